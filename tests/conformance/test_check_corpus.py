"""`check` against a real ComfyUI on whole graphs and broken ones: presets, published wirings, every class by type.

The server has an empty file under every model name and a picture under every input name. What it accepts waits behind
one long job and is taken out of the queue again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from comfy_headless.catalog.presets import PRESETS
from comfy_headless.graph.check import check
from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.graph.schemas import Schemas

from .check_breaks import BREAKS
from .check_corpus import Case, half_broken
from .check_run import Figures, blocked, compare_all, compare_each
from .check_typed import Forest, grown_graphs
from .check_whole import ANY_MODEL, named_files, place_files, whole_graphs, wirings
from .comfyui.weights import Folders


@pytest.fixture(scope="module")
def client(real_server: str, real_server_folders: Folders | None) -> Iterator[httpx.Client]:
    """A connection to the real server; ours has every file that the corpus names until the module ends."""
    placed = place_files(real_server_folders) if real_server_folders else []
    with httpx.Client(base_url=real_server, timeout=60, trust_env=False) as connected:
        yield connected
    for path in placed:
        path.unlink()


@pytest.fixture(scope="module")
def live(client: httpx.Client) -> Schemas:
    """What the real server has, as it says itself."""
    return Schemas.from_object_info(client.get("/object_info").json())


@pytest.fixture(scope="module")
def forest(simulated_server: str) -> Forest:
    """What grows from the classes of the simulator, as it says itself."""
    answer = httpx.get(f"{simulated_server}/object_info", timeout=60, trust_env=False)
    return Forest(Schemas.from_object_info(answer.json()))


@pytest.fixture(scope="module")
def shipped() -> Schemas:
    """The shipped classes of ComfyUI itself, with every file that the corpus names."""
    models, inputs = named_files(whole_graphs())
    every = {folder: sorted(models.get(folder, set()) | {ANY_MODEL}) for folder in set(MODEL_INPUTS.values())}
    return Schemas.snapshot().with_files(every, inputs)


def _assert_equal(figures: Figures, cases: list[Case]) -> None:
    assert not figures.differing, f"{len(figures.differing)} differ:\n" + "\n\n".join(figures.differing[:5])
    assert figures.equal + figures.reordered + figures.kept_back == len(cases)
    assert figures.reordered < len(cases) / 20 and figures.kept_back < 10


@pytest.mark.slow
def test_every_preset_is_whole_by_the_packs_that_it_needs() -> None:
    """No preset, at no task and with no variant, nor any published wiring has a problem where files and packs are."""
    graphs = whole_graphs()
    schemas = Schemas.snapshot(Schemas.packs()).with_files(*named_files(graphs))
    found = [f"{name}: {report}" for name, graph in graphs.items() if not (report := check(graph, schemas)).ok]
    assert not found, found[0]


@pytest.mark.slow
def test_corpus_is_half_whole_and_broken_in_every_way(shipped: Schemas) -> None:
    """At least 500 graphs: all presets and wirings, each once whole and once broken; every way is used, none rarely."""
    graphs = whole_graphs()
    cases = list(half_broken(graphs, shipped))
    assert len(cases) >= 500 and all(wiring in graphs.values() for wiring in wirings().values())
    assert {name.split()[0] for name in graphs} >= set(PRESETS)
    ways = Counter(case.way for case in cases)
    assert ways.pop("") == len(graphs) and ways.keys() == BREAKS.keys()
    assert [way for way, times in ways.items() if times < 4 and way != "class_renamed"] == []
    verdicts = Counter(check(case.graph, shipped).refused for case in cases if not case.way)
    assert verdicts[False] > 4 * verdicts[True]


def test_server_says_the_same_of_the_corpus(client: httpx.Client, live: Schemas) -> None:
    """Of every preset and wiring, whole and broken, the server's answer is `check`'s, to the letter."""
    cases = list(half_broken(whole_graphs(), live))
    _assert_equal(compare_all(cases, client, live, exact=True, wait=False), cases)


def test_server_says_the_same_of_every_class_in_a_graph(client: httpx.Client, live: Schemas) -> None:
    """Of a graph around each class, built by type, whole and broken, the server's answer is `check`'s."""
    cases = list(half_broken(dict(grown_graphs(live)), live))
    assert len({case.name for case in cases if not case.way}) > 0.9 * len(live)
    _assert_equal(compare_all(cases, client, live, exact=True, wait=False), cases)


BOUNDED = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
DICE = st.randoms(use_true_random=False)


@pytest.mark.slow
@settings(BOUNDED, max_examples=25)
@given(dice=DICE)
def test_what_is_built_by_type_is_taken(simulated_server: str, forest: Forest, dice: random.Random) -> None:
    """A graph whose values and wires are those that the classes ask for has nothing that is refused."""
    graph = forest.grow(dice.choice(forest.classes), dice)
    assume(graph is not None)
    report = check(graph, forest.schemas)
    assert not report.refused and not report.node_errors, str(report)
    answer = httpx.post(f"{simulated_server}/prompt", json={"prompt": graph}, timeout=60, trust_env=False)
    assert answer.status_code == (200 if report.accepted else 400)


def test_server_says_the_same_of_any_graph(client: httpx.Client, live: Schemas) -> None:
    """Of a graph built by type, with up to three places broken, the server's answer is `check`'s."""
    forest = Forest(live)

    @settings(BOUNDED, max_examples=200)
    @given(dice=DICE)
    def compare(dice: random.Random) -> None:
        graph = forest.grow(dice.choice(forest.classes), dice)
        assume(graph is not None)
        ways = dice.sample(list(BREAKS), dice.randint(0, 3))
        for way in ways:
            assume(graph)
            BREAKS[way](graph, live, dice)
        case = Case("+".join(ways), graph)
        assert compare_each([case], client, live, exact=True).differing == []

    with blocked(client):
        compare()

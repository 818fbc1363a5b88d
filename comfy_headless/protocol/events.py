"""What callers are told while a job runs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """One step forward of a job; the only type that ``on_progress`` is called with.

    Args:
        progress: percent of the whole job, 0-100, never falling.
        node: id of the node at work, None while the job waits in the queue.
        title: the node's title in the graph, else its class.
        step: steps done in this node, from 0; None where the node counts none.
        steps: steps of this node.
        eta: estimated seconds to the end of the job, None while nothing is known.
        preview: a latent preview (JPEG or PNG bytes), when the server has sent one since the last call.
        queue_position: jobs ahead on the server while waiting, None once it runs.
    """

    progress: float
    node: str | None = None
    title: str | None = None
    step: int | None = None
    steps: int | None = None
    eta: float | None = None
    preview: bytes | None = field(default=None, repr=False)
    queue_position: int | None = None

"""Fetch what a plan says: each file whole, right and under its name, or not at all; what was begun is gone on with."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from comfy_headless.errors import ModelDownloadError
from comfy_headless.models.hub import Passing, hub_headers, refused
from comfy_headless.models.part import Part
from comfy_headless.models.patience import HubTiming, Patience
from comfy_headless.models.plan import DownloadPlan, PlannedFile
from comfy_headless.models.progress import DownloadProgress, Phase
from comfy_headless.models.sizes import size_text
from comfy_headless.protocol.effects import Broken
from comfy_headless.transport.fetch import Fetched, fetch

logger = logging.getLogger("comfy_headless")

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_GOES_ON: Final = "what came is kept, and the next try goes on from there"
_ANEW: Final = "nobody tells the versions of this file apart, so the next try begins anew"

OnProgress = Callable[[DownloadProgress], None]


def download_models(
    plan: DownloadPlan,
    *,
    on_progress: OnProgress | None = None,
    token: str | None = None,
    timing: HubTiming | None = None,
) -> tuple[Path, ...]:
    """Fetch the files of a plan, one after the other, and return where they are.

    A file grows beside its place as ``<name>.<id>.part`` and gets its name when its size and checksum are right. What
    ends a download, a kill too, leaves that part, and the next one goes on from there. A file that another process is
    fetching is waited for. On asyncio: ``await asyncio.to_thread(download_models, plan)``.

    Args:
        on_progress: called in this thread, many times a second; what it raises ends the download.
        token: of Hugging Face; None takes HF_TOKEN, then that of ``hf auth login``.
        timing: how long the hub is waited for.

    Raises:
        ModelDownloadError: there is too little room on the disk, or a file cannot be fetched.
        FeatureMissingError: the extra ``models`` is missing.
    """
    short = plan.shortages()
    if short:
        raise ModelDownloadError(f"{'; '.join(short)}. Nothing was fetched: make room first")
    headers = hub_headers(token) if plan.files else {}
    done, total = 0, plan.total_bytes
    paths = []
    for number, each in enumerate(plan.files, 1):
        state = DownloadProgress(each.file.key, number, len(plan.files), "checking", 0, each.size, done, total)
        paths.append(_Download(each, dict(headers), timing or HubTiming(), state, on_progress).run())
        done += each.size
    return tuple(paths)


class _Download:
    """One file on its way."""

    def __init__(
        self,
        planned: PlannedFile,
        headers: dict[str, str],
        timing: HubTiming,
        state: DownloadProgress,
        on_progress: OnProgress | None,
    ) -> None:
        self._planned, self._headers, self._timing = planned, headers, timing
        self._state, self._on_progress = state, on_progress
        self._ending = _GOES_ON if planned.checksum or planned.version else _ANEW
        self._waits = False

    def run(self) -> Path:
        planned = self._planned
        part = Part(
            planned.target, planned.checksum, planned.size, version=planned.version, waiting=self._wait_for_another
        )
        try:
            with part:
                if planned.target.exists():
                    return self._take_what_is_there(part)
                part.resume(partial(self._tell, "checking"))
                self._fill(part)
                if not part.right:  # often the beginning is of a broken try
                    logger.warning("%s: what came is not the file; it is fetched anew", planned.file.key)
                    part.empty()
                    self._fill(part)
                if not part.right:
                    found = part.found
                    part.empty()
                    raise self._error(
                        f"what came is not the file: its checksum is {found}, and {planned.checksum} "
                        "is told; nothing of it is kept. Try again later"
                    )
                return planned.target if part.publish() else self._take_what_is_there(part)
        except OSError as error:
            raise self._unwritten(error) from error
        except KeyboardInterrupt as error:
            error.add_note(f"{planned.file.key}: {self._ending}")
            raise

    def _take_what_is_there(self, part: Part) -> Path:
        """The file has appeared since the plan was made."""
        target = self._planned.target
        if not part.is_published(partial(self._tell, "checking")):
            raise self._error(f"{target} has appeared meanwhile, and is not the file; it is left as it is")
        part.remove()
        logger.info("%s has appeared meanwhile, whole; it is taken", self._planned.file.key)
        return target

    def _wait_for_another(self) -> None:
        if not self._waits:
            logger.info("%s: another process is fetching it; it is waited for", self._planned.file.key)
            self._waits = True
        self._tell("waiting", 0)

    def _fill(self, part: Part) -> None:
        """Bring what is missing, however often the exchange breaks."""
        patience = Patience(self._planned.file.key, self._timing, self._timing.patience, self._ending)
        furthest = part.held
        while part.held < self._planned.size:
            if not part.goes_on:
                part.empty()
            try:
                with fetch(
                    self._planned.url,
                    self._headers,
                    login=self._planned.login,
                    start=part.held,
                    connect=self._timing.connect,
                    read=self._timing.read,
                ) as answer:
                    self._take(answer, part)
            except (Broken, Passing) as error:
                if part.held > furthest:
                    furthest = part.held
                    patience.renew()
                patience.wait(error if isinstance(error, Passing) else Passing(f"the exchange broke ({error})"))

    def _take(self, answer: Fetched, part: Part) -> None:
        if answer.status not in (200, 206):
            raise refused(answer.status, answer.headers, self._planned.file, self._planned.url)
        if answer.start != part.held:
            if answer.start:
                raise Passing(f"bytes from {part.held} on were asked for, and those from {answer.start} came")
            part.empty()
        for chunk in answer.chunks:
            part.write(chunk)
            self._tell("fetching", part.held)
            if part.held > self._planned.size:
                raise self._error(f"more comes than the {self._planned.size:,} bytes that are told")
        if part.held < self._planned.size:
            raise Passing(f"it ended after {part.held:,} of {self._planned.size:,} bytes")

    def _tell(self, phase: Phase, held: int) -> None:
        if self._on_progress is not None:
            self._on_progress(replace(self._state, phase=phase, done=held, total_done=self._state.total_done + held))

    def _error(self, why: str) -> ModelDownloadError:
        planned = self._planned
        return ModelDownloadError(f"{planned.file.key}: {why}", url=planned.url, path=str(planned.target))

    def _unwritten(self, error: OSError) -> ModelDownloadError:
        folder, size = self._planned.target.parent, size_text(self._planned.size)
        if error.errno in _FULL:
            return self._error(f"the disk of {folder} is full, and the file has {size}: make room; {self._ending}")
        if error.errno == errno.EFBIG:
            return self._error(
                f"the file system of {folder}, or a limit (ulimit -f), takes no file of {size}; {self._ending}"
            )
        return self._error(f"cannot be written into {folder}: {error.strerror or error}")

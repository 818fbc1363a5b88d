"""Takes the jobs one by one and runs them; the place where faults that concern a whole job strike."""

from __future__ import annotations

import asyncio
import time

from comfy_headless.simulator.execution import Execution
from comfy_headless.simulator.faults import Delete, LateHistory, Restart
from comfy_headless.simulator.machine import Machine
from comfy_headless.simulator.plan import Subject
from comfy_headless.simulator.queue import Item


async def work(machine: Machine) -> None:
    """Run jobs until cancelled."""
    while True:
        item = await machine.queue.head()
        subject = machine.journal.subject(item.prompt_id)
        if await _taken_away(machine, item, subject):
            continue
        machine.interrupted = False
        item = machine.queue.start()
        machine.journal.runs[item.prompt_id] = machine.journal.runs.get(item.prompt_id, 0) + 1
        begun = time.monotonic()
        entry = await Execution(machine, item, subject, machine.schemas).run()
        if item.client_id is not None:
            machine.last_node.pop(item.client_id, None)
        late = machine.plan.strikes(LateHistory, about=subject)
        if late:
            _tell_end(machine, item, subject)
            await asyncio.sleep(late[0].late)
        machine.queue.finish(entry)
        machine.log.write(f"\x1b[32mPrompt executed in {time.monotonic() - begun:.2f} seconds\x1b[0m")
        if not late:
            _tell_end(machine, item, subject)
        if machine.drop_cache:
            machine.drop_cache = False
            machine.cache.clear()
        await _restart(machine, subject, at="finished")


async def _taken_away(machine: Machine, item: Item, subject: Subject) -> bool:
    """Say whether a fault took the job before it could start (or a client did, while a fault held it back)."""
    deletions = machine.plan.strikes(Delete, about=subject)
    if deletions:
        await asyncio.sleep(deletions[0].after)
        machine.queue.delete(item.prompt_id)
        return True
    await _restart(machine, subject, at="queued")
    return False


async def _restart(machine: Machine, subject: Subject, *, at: str) -> None:
    restarts = machine.plan.strikes(Restart, about=subject, where=lambda fault: fault.at == at)
    if restarts:
        machine.restart_asked.put_nowait(restarts[0].away)
        await asyncio.Event().wait()  # until the restart cancels this


def _tell_end(machine: Machine, item: Item, subject: Subject) -> None:
    if item.client_id is not None:
        data = {"node": None, "prompt_id": item.prompt_id}
        machine.sockets.send("executing", data, item.client_id, subject)

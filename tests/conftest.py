"""What holds for every test: no examples of hypothesis are timed, since machines are shared and noisy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

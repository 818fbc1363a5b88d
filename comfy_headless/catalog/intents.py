"""What a picture or film is about: the word for it, apart from all that takes time to import."""

from __future__ import annotations

from typing import Literal

Intent = Literal["portrait", "animal", "object", "scene", "action", "abstract"]

"""Stand-ins for the model files of the shipped presets."""

from __future__ import annotations

from comfy_headless.catalog.presets import PresetLibrary

from .weights import Folders


def place_presets(folders: Folders) -> None:
    """Put stand-ins under the names of all files of the presets that need no node packs."""
    for preset in PresetLibrary().values():
        if not preset.packs:
            for file in preset.model_files().values():
                folders.place_file(file.folder, file.name)

"""Stand-ins for the model files of the shipped presets."""

from __future__ import annotations

from comfy_headless.catalog.presets import PresetLibrary

from .weights import Folders

FINISHING = ("upscale_models", "frame_interpolation")


def place_presets(folders: Folders) -> None:
    """Put stand-ins under the names of all files of the presets that need no node packs, and of finishing models."""
    library = PresetLibrary()
    for file in library.files.values():
        if file.folder in FINISHING:
            folders.place_file(file.folder, file.name)
    for preset in library.values():
        if not preset.packs:
            for file in preset.model_files().values():
                folders.place_file(file.folder, file.name)

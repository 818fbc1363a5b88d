"""Variants: pure functions that give an API graph a LoRA, another precision, tiles, sound, ... and leave it whole."""

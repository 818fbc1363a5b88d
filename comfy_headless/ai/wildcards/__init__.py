"""Prompt templates: texts with choices, lists and variables, as they are written for sd-dynamic-prompts."""

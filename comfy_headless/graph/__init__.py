"""Workflows as data: markers, templates, schemas, checks. Knows no server and no model family."""

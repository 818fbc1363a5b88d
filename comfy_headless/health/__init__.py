"""This machine: its GPUs and its RAM; the home of pynvml and psutil.

Nothing here raises: where something cannot be known, the answer holds less, and a ``reason``. Without the extra
``health`` every answer is empty, and its reason names the command that installs it.
"""

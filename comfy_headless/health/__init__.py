"""This machine: its GPUs, its RAM, its disk, its ffmpeg; the home of pynvml and psutil.

No look raises: where something cannot be known, the answer holds less, and a ``reason``. Without the extra ``health``
GPUs and RAM are not known, and the reason names the command that installs it. ``report`` is what all looks together
give, with those at a server.
"""

"""Let the CUDA builds of torchvision and torchaudio import on a CPU torch; run once, by the server's Python.

torchaudio: its native libraries link libcudart; without them the package runs its documented "no extension" path
(torch code), so they are moved away. torchvision: without its native library two of its own registrations still name
torchvision::nms and ::qnms; declaring their schemas (no kernel: a call raises) is enough.
"""

import importlib.util
from pathlib import Path

MARK = "# --- cpu_shim: declare torchvision::nms/qnms schemas (no kernel) ---"
SCHEMAS = f"""

{MARK}
if not _has_ops():
    _cpu_shim_lib = torch.library.Library("torchvision", "FRAGMENT")
    for _op in ("nms", "qnms"):
        _cpu_shim_lib.define(_op + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def folder(package):
    """Where a package lies, without importing it."""
    return Path(importlib.util.find_spec(package).origin).parent


extension = folder("torchvision") / "extension.py"
text = extension.read_text(encoding="utf-8")
if MARK not in text:
    extension.write_text(text + SCHEMAS, encoding="utf-8")
for library in (folder("torchaudio") / "lib").glob("*.so"):
    library.rename(library.with_suffix(".so.cuda-only"))

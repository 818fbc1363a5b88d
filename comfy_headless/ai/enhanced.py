"""EnhancedPrompt, for this room: it lives where results do, since a result tells how its prompt was improved."""

from comfy_headless.protocol.enhanced import EngineName, EnhancedPrompt

__all__ = ["EngineName", "EnhancedPrompt"]

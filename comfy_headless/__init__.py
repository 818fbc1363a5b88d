"""Video out of ComfyUI from Python: a prompt in, an mp4 out.

A public name is imported when it is first used (PEP 562), so that ``import comfy_headless`` loads nothing but this
file. ``_HOMES`` says where each name lives; the block above it says the same to type checkers, and a test compares.
"""

from __future__ import annotations

import sys

__version__ = "4.0.0.dev0"  # an index carries another project's 3.1.1 under this name: stay above it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .ai.analysis import PromptAnalysis as PromptAnalysis
    from .ai.analyzing import analyze_prompt as analyze_prompt
    from .ai.enhanced import EnhancedPrompt as EnhancedPrompt
    from .ai.expanding import ExpandedPrompt as ExpandedPrompt
    from .ai.expanding import PromptTemplate as PromptTemplate
    from .ai.expanding import expand_prompt as expand_prompt
    from .ai.ollama import OllamaEngine as OllamaEngine
    from .ai.openai import OpenAIEngine as OpenAIEngine
    from .api.check import check as check
    from .api.convert import convert_workflow as convert_workflow
    from .api.describe import describe as describe
    from .api.files import look as look
    from .api.files import probe as probe
    from .api.files import thumbnail as thumbnail
    from .api.functions import generate_image as generate_image
    from .api.functions import generate_video as generate_video
    from .api.functions import run_workflow as run_workflow
    from .api.loaded import load_workflow as load_workflow
    from .api.prompts import enhance_prompt as enhance_prompt
    from .api.recommend import get_recommended_preset as get_recommended_preset
    from .catalog.compiled import CompiledWorkflow as CompiledWorkflow
    from .catalog.compiler import WorkflowCompiler as WorkflowCompiler
    from .catalog.compiler import compile_workflow as compile_workflow
    from .catalog.models import ImageModel as ImageModel
    from .catalog.models import VideoModel as VideoModel
    from .catalog.models import VideoSettings as VideoSettings
    from .catalog.presets import IMAGE_PRESETS as IMAGE_PRESETS
    from .catalog.presets import VIDEO_PRESETS as VIDEO_PRESETS
    from .catalog.presets import PresetLibrary as PresetLibrary
    from .catalog.recommend import Recommendation as Recommendation
    from .catalog.variants import Variants as Variants
    from .catalog.vram import VramEstimate as VramEstimate
    from .catalog.vram import estimate_vram as estimate_vram
    from .client import AsyncComfyClient as AsyncComfyClient
    from .client import ComfyClient as ComfyClient
    from .client import ComfyWSClient as ComfyWSClient
    from .client.aio_listening import AsyncEventStream as AsyncEventStream
    from .client.job import AsyncJob as AsyncJob
    from .client.job import Job as Job
    from .client.listening import EventStream as EventStream
    from .client.loaded import AsyncLoadedWorkflow as AsyncLoadedWorkflow
    from .client.loaded import LoadedWorkflow as LoadedWorkflow
    from .cloud.comfy_cloud import ComfyCloud as ComfyCloud
    from .cloud.runninghub import RunningHub as RunningHub
    from .doctor.look import check_health as check_health
    from .errors import ComfyHeadlessError as ComfyHeadlessError
    from .errors import ComfyUIConnectionError as ComfyUIConnectionError
    from .errors import ComfyUIOfflineError as ComfyUIOfflineError
    from .errors import FeatureMissingError as FeatureMissingError
    from .errors import GenerationFailedError as GenerationFailedError
    from .errors import GenerationRejectedError as GenerationRejectedError
    from .errors import GenerationTimeoutError as GenerationTimeoutError
    from .errors import MediaError as MediaError
    from .errors import ModelDownloadError as ModelDownloadError
    from .errors import OutOfMemoryError as OutOfMemoryError
    from .errors import ResultSaveError as ResultSaveError
    from .errors import ResultSuspectError as ResultSuspectError
    from .errors import ValidationError as ValidationError
    from .features import FEATURES as FEATURES
    from .features import list_missing_features as list_missing_features
    from .graph.description import Description as Description
    from .graph.origins import WorkflowUrl as WorkflowUrl
    from .graph.report import Problem as Problem
    from .graph.report import Report as Report
    from .health.report import HealthReport as HealthReport
    from .local.server import ComfyServer as ComfyServer
    from .models.download import download_models as download_models
    from .models.listing import ModelList as ModelList
    from .models.listing import list_models as list_models
    from .models.looking import ModelCheck as ModelCheck
    from .models.looking import check_models as check_models
    from .models.patience import HubTiming as HubTiming
    from .models.plan import DownloadPlan as DownloadPlan
    from .models.plan import plan_download as plan_download
    from .models.progress import DownloadProgress as DownloadProgress
    from .protocol.effects import Reply as Reply
    from .protocol.events import Event as Event
    from .protocol.events import Finished as Finished
    from .protocol.events import OutputReady as OutputReady
    from .protocol.events import Preview as Preview
    from .protocol.events import Progress as Progress
    from .protocol.events import Queued as Queued
    from .protocol.events import Started as Started
    from .protocol.output import Output as Output
    from .protocol.plugin import Plugin as Plugin
    from .protocol.result import Result as Result
    from .protocol.routes import Queue as Queue
    from .protocol.routes_jobs import JobPage as JobPage
    from .protocol.routes_jobs import JobRecord as JobRecord
    from .protocol.status import JobInfo as JobInfo
    from .protocol.status import JobStatus as JobStatus
    from .protocol.stream import ServerEvent as ServerEvent
    from .protocol.timing import Timing as Timing

_HOMES = {
    "AsyncComfyClient": "client",
    "AsyncEventStream": "client.aio_listening",
    "AsyncJob": "client.job",
    "AsyncLoadedWorkflow": "client.loaded",
    "ComfyClient": "client",
    "ComfyCloud": "cloud.comfy_cloud",
    "ComfyHeadlessError": "errors",
    "ComfyServer": "local.server",
    "ComfyUIConnectionError": "errors",
    "ComfyUIOfflineError": "errors",
    "ComfyWSClient": "client",
    "CompiledWorkflow": "catalog.compiled",
    "Description": "graph.description",
    "DownloadPlan": "models.plan",
    "DownloadProgress": "models.progress",
    "EnhancedPrompt": "ai.enhanced",
    "Event": "protocol.events",
    "EventStream": "client.listening",
    "ExpandedPrompt": "ai.expanding",
    "FEATURES": "features",
    "FeatureMissingError": "errors",
    "Finished": "protocol.events",
    "GenerationFailedError": "errors",
    "GenerationRejectedError": "errors",
    "GenerationTimeoutError": "errors",
    "HealthReport": "health.report",
    "HubTiming": "models.patience",
    "IMAGE_PRESETS": "catalog.presets",
    "ImageModel": "catalog.models",
    "Job": "client.job",
    "JobInfo": "protocol.status",
    "JobPage": "protocol.routes_jobs",
    "JobRecord": "protocol.routes_jobs",
    "JobStatus": "protocol.status",
    "MediaError": "errors",
    "LoadedWorkflow": "client.loaded",
    "ModelCheck": "models.looking",
    "ModelDownloadError": "errors",
    "ModelList": "models.listing",
    "OllamaEngine": "ai.ollama",
    "OpenAIEngine": "ai.openai",
    "OutOfMemoryError": "errors",
    "Output": "protocol.output",
    "OutputReady": "protocol.events",
    "Plugin": "protocol.plugin",
    "PresetLibrary": "catalog.presets",
    "Preview": "protocol.events",
    "Problem": "graph.report",
    "Progress": "protocol.events",
    "PromptAnalysis": "ai.analysis",
    "PromptTemplate": "ai.expanding",
    "Queue": "protocol.routes",
    "Queued": "protocol.events",
    "Recommendation": "catalog.recommend",
    "Reply": "protocol.effects",
    "Report": "graph.report",
    "Result": "protocol.result",
    "ResultSaveError": "errors",
    "ResultSuspectError": "errors",
    "RunningHub": "cloud.runninghub",
    "ServerEvent": "protocol.stream",
    "Started": "protocol.events",
    "Timing": "protocol.timing",
    "VIDEO_PRESETS": "catalog.presets",
    "ValidationError": "errors",
    "Variants": "catalog.variants",
    "VideoModel": "catalog.models",
    "VideoSettings": "catalog.models",
    "VramEstimate": "catalog.vram",
    "WorkflowCompiler": "catalog.compiler",
    "WorkflowUrl": "graph.origins",
    "analyze_prompt": "ai.analyzing",
    "check": "api.check",
    "check_health": "doctor.look",
    "check_models": "models.looking",
    "compile_workflow": "catalog.compiler",
    "convert_workflow": "api.convert",
    "describe": "api.describe",
    "download_models": "models.download",
    "enhance_prompt": "api.prompts",
    "estimate_vram": "catalog.vram",
    "expand_prompt": "ai.expanding",
    "generate_image": "api.functions",
    "generate_video": "api.functions",
    "get_recommended_preset": "api.recommend",
    "list_missing_features": "features",
    "list_models": "models.listing",
    "load_workflow": "api.loaded",
    "look": "api.files",
    "plan_download": "models.plan",
    "probe": "api.files",
    "run_workflow": "api.functions",
    "thumbnail": "api.files",
}

_GONE = ("generate_3d", "generate_audio", "launch", "run_inference")

__all__ = [*_HOMES]

if not TYPE_CHECKING:  # a type checker would take any misspelt name for one that this function knows

    def __getattr__(name: str) -> object:
        """Import a public name from its home; keep it, so that this runs once per name."""
        home = _HOMES.get(name)
        if name in _GONE:
            from .client.gone import gone

            raise ImportError(gone(name), name=__name__)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

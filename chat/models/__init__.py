"""What is kept: routes, keys, conversations, stages with their journal, runs, checkups."""

from chat.models.bench import BenchRun, BenchSuite, BenchTrial
from chat.models.conversations import Conversation, Message
from chat.models.doctor import RouteCheckup
from chat.models.keys import ApiKey
from chat.models.repairs import StageRepair
from chat.models.routes import ModelRoute
from chat.models.runs import ToolRun
from chat.models.setup import SetupToken
from chat.models.stages import ACTIVE_STATUSES, Stage, StageEvent

__all__ = [
    "ACTIVE_STATUSES",
    "ApiKey",
    "BenchRun",
    "BenchSuite",
    "BenchTrial",
    "Conversation",
    "Message",
    "ModelRoute",
    "RouteCheckup",
    "SetupToken",
    "Stage",
    "StageEvent",
    "StageRepair",
    "ToolRun",
]

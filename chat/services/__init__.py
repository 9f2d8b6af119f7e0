"""What a person can do: the only door for writing."""

from chat.services.conversations import delete_conversation, rename_conversation
from chat.services.creating import Accepted
from chat.services.refusals import Refused
from chat.services.stages import cancel_stage, request_cancel, start_stage

__all__ = [
    "Accepted",
    "Refused",
    "cancel_stage",
    "delete_conversation",
    "rename_conversation",
    "request_cancel",
    "start_stage",
]

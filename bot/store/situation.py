"""Everything a message's answer depends on, in one query of key look-ups for `Store.look_up`.

    situation = await find(store, heard, mentions.candidates(heard.content))
"""
# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from bot.model import EVERY_PERSONALITY, Conversation, Heard, Login, Personality, Secret, Verification
from bot.store import conversations, logins, personalities, verifications
from bot.store.cipher import Cipher
from bot.store.columns import to_time_or_none
from bot.store.statement import Query, Row, Store, Value

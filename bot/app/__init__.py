"""The one place that wires the bot together: start order here, stop in reverse."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import aiohttp

from bot.ai.client import AIClient
from bot.ai.login import login_client_from
from bot.ai.profiles import profile_client_from
from bot.app.outside import BotReadiness, serve_probes, stop_on_signals
from bot.client import Client
from bot.cogs.acknowledging import Acknowledgements
from bot.cogs.context import Services
from bot.cogs.direct_mail import DirectMail, OwnDirectMessages
from bot.cogs.guilds import ClientGuilds
from bot.cogs.history import ChannelHistory, ReplyHerald
from bot.cogs.owner import DirectOwner
from bot.cogs.quoting import MessageQuotes
from bot.durability.confirmation import AnswerConfirmation, Confirmation
from bot.durability.drill_child import drill_aside
from bot.durability.lineage import read_marker
from bot.durability.litestream import litestream_from
from bot.durability.lock import hold_locks
from bot.durability.watchdog import Watchdog
from bot.errors import ConfigurationError, DamagedError, ExitCode, ProtectedError, UnreadableError
from bot.model import Clock, Secret, utc_now
from bot.pluralkit import pluralkit_client_from
from bot.rules.receipt import Origin
from bot.services.activations import Activations
from bot.services.answers import Answers
from bot.services.asking import Asking
from bot.services.authors import Authors
from bot.services.background import Background
from bot.services.channel_recovery import ChannelRecovery
from bot.services.choices import Choices
from bot.services.configuration import Configuration
from bot.services.conversations import Conversations
from bot.services.decision import Decider
from bot.services.delivery import Delivery
from bot.services.diagnosis import Diagnosis
from bot.services.dialogue import Dialogue
from bot.services.drills import Drills
from bot.services.gate import Gate
from bot.services.login_cleanup import LoginCleanup
from bot.services.logins import Logins
from bot.services.moderation import Moderation
from bot.services.notifications import Notifications, ReleaseNotes, shipped
from bot.services.outage_notice import OutageNotice
from bot.services.personalities import Personalities
from bot.services.policy import Policy
from bot.services.profiles import ProfileRefresher
from bot.services.proxies import Proxies
from bot.services.purge import Purge
from bot.services.receipts import Receipts
from bot.services.recovery import Recovery
from bot.services.retrying import Retrying
from bot.services.status_report import StatusReport
from bot.services.token_refusals import TokenRefusals
from bot.services.undo import Undo
from bot.services.upkeep import Upkeep
from bot.services.verifications import Verifications
from bot.services.watermark import Watermark
from bot.settings import Settings
from bot.store.cipher import Cipher, cipher_from, require_keys
from bot.store.driver import SQLiteStore
from bot.store.files.modes.backend import Backend, open_backend
from bot.store.files.standing import find_standing
from bot.webhooks import WebhookSpeaker, open_session

log = logging.getLogger(__name__)

STOPPING = "The bot is stopping."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is open while the bot runs."""

    settings: Settings
    clock: Clock
    backend: Backend
    cipher: Cipher
    session: aiohttp.ClientSession
    speaking: aiohttp.ClientSession
    client: Client
    owner: DirectOwner
    confirmation: Confirmation
    watchdog: Watchdog
    receipts: Receipts
    refusals: TokenRefusals

    @property
    def store(self) -> SQLiteStore:
        """The state."""
        return self.backend.store


@dataclass(frozen=True, slots=True)
class Opening:
    """What the parts are opened with."""

    settings: Settings
    readiness: BotReadiness
    accept_older: bool
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What a supervisor passed on as open files; what it did not, is taken and opened here."""

    lock_fd: int | None = None
    files_lock_fd: int | None = None
    listen_fd: int | None = None


NOTHING = Inherited()


async def run_bot(
    settings: Settings,
    inherited: Inherited = NOTHING,
    stop: asyncio.Event | None = None,
    *,
    accept_older: bool = False,
    clock: Clock = utc_now,
) -> int:
    """Be the bot until SIGTERM, SIGINT or `stop`; returns the exit code, or raises the error that has one.

    `clock` dates everything; what waits (retries, time limits of requests) waits in real time.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_locks(settings, inherited.lock_fd, inherited.files_lock_fd))
        stop = stop or stop_on_signals()
        readiness = await serve_probes(stack, settings, inherited.listen_fd)
        token = _token_of(settings)
        opening = Opening(settings, readiness, accept_older=accept_older, clock=clock)
        parts = await _open(stack, opening)
        await parts.refusals.require_none(token)
        await _go_online(stack, parts, token, stop)
        readiness.phase = STOPPING
    return ExitCode.DONE


async def _go_online(stack: AsyncExitStack, parts: Parts, token: Secret, stop: asyncio.Event) -> None:
    services = _services_of(parts)
    parts.client.services = services
    await parts.receipts.begin()
    stack.push_async_callback(parts.receipts.hand_over)
    await services.personalities.seed()
    stack.push_async_callback(parts.client.leave)
    stack.push_async_callback(services.acknowledgements.close)
    stack.push_async_callback(services.dialogue.close, parts.settings.turn_grace_seconds)
    await _start_background(stack, parts, services)
    stack.callback(services.dialogue.stop_hearing)
    try:
        await parts.client.serve(token, stop)
    except ConfigurationError as error:
        await parts.refusals.note(token, str(error))
        raise


async def _open(stack: AsyncExitStack, opening: Opening) -> Parts:
    settings, readiness, clock = opening.settings, opening.readiness, opening.clock
    cipher = cipher_from(settings)
    backend = await _open_backend(opening, cipher)
    stack.push_async_callback(backend.close)
    store = backend.store
    await require_keys(store, cipher)
    connector = aiohttp.TCPConnector(limit=0)  # slow answers must not queue up behind each other
    timeout = aiohttp.ClientTimeout(total=settings.discord_timeout_seconds)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
    speaking = await stack.enter_async_context(open_session(connector, timeout))
    confirmation = Confirmation(litestream_from(settings), settings)
    stack.push_async_callback(confirmation.close)
    watchdog = Watchdog(store, confirmation, settings, clock)
    readiness.replication = lambda: watchdog.state
    client = Client(settings)
    owner = DirectOwner(client=client, owner_id=settings.bot_owner_id, timeout_seconds=settings.discord_timeout_seconds)
    readiness.is_database_open, readiness.client, readiness.phase = True, client, ""
    return Parts(
        settings=settings,
        clock=clock,
        backend=backend,
        cipher=cipher,
        session=session,
        speaking=speaking,
        client=client,
        owner=owner,
        confirmation=confirmation,
        watchdog=watchdog,
        receipts=_receipts_of(opening, store, client, owner),
        refusals=TokenRefusals(
            store=store, interval=timedelta(seconds=settings.identify_interval_seconds), clock=clock
        ),
    )


async def _open_backend(opening: Opening, cipher: Cipher) -> Backend:
    try:
        return await open_backend(opening.settings, cipher, accept_older=opening.accept_older, clock=opening.clock)
    except (DamagedError, UnreadableError) as error:  # starting again and again would not mend it
        raise ProtectedError(error.message, remedy=error.remedy) from error


def _services_of(parts: Parts) -> Services:
    settings, store, cipher = parts.settings, parts.store, parts.cipher
    policy = Policy.from_settings(settings)
    recovery = _recovery_of(parts, policy)
    profiles = profile_client_from(settings, parts.session)
    login = login_client_from(settings, parts.session)
    personalities = Personalities(store=store, policy=policy, profiles=profiles, clock=parts.clock)
    gate = Gate(store=store, policy=policy, replication=parts.watchdog, clock=parts.clock)
    answers = Answers(rewriting=recovery.channels.rewriting)
    moderation = Moderation(store=store, policy=policy, clock=parts.clock)
    return Services(
        policy=policy,
        gate=gate,
        choices=Choices(store=store, policy=policy, gate=gate),
        dialogue=recovery.dialogue,
        recovery=recovery,
        personalities=personalities,
        activations=Activations(store=store, policy=policy, clock=parts.clock),
        login_cleanup=LoginCleanup(
            store=store, policy=policy, guilds=ClientGuilds(client=parts.client), clock=parts.clock
        ),
        logins=Logins(store=store, cipher=cipher, policy=policy, service=login, clock=parts.clock),
        verifications=Verifications(store=store, policy=policy, clock=parts.clock),
        confirmer=parts.confirmation,
        acknowledgements=Acknowledgements(parts.confirmation, settings),
        owner=parts.owner,
        status=StatusReport(
            store=store,
            look=partial(find_standing, settings, clock=parts.clock),
            replication=parts.watchdog,
            clock=parts.clock,
        ),
        pace=recovery.dialogue.decider.pace,
        moderation=moderation,
        undo=Undo(store=store, policy=policy, naming=personalities.naming, clock=parts.clock),
        conversations=Conversations(store=store, policy=policy, clock=parts.clock),
        diagnosis=Diagnosis(
            store=store,
            policy=policy,
            dialogue=recovery.dialogue,
            moderation=moderation,
            replication=parts.watchdog,
            clock=parts.clock,
        ),
        purge=Purge(messages=OwnDirectMessages(client=parts.client), message_limit=settings.purge_message_limit),
        notifications=Notifications(store=store, version=shipped()[-1].version, clock=parts.clock),
        configuration=Configuration(store=store, policy=policy, has_profiles=profiles is not None, clock=parts.clock),
        answers=answers,
        retrying=Retrying(dialogue=recovery.dialogue, answers=answers, history=recovery.channels.history),
    )


async def _start_background(stack: AsyncExitStack, parts: Parts, services: Services) -> None:
    settings, recovery = parts.settings, services.recovery
    await recovery.watermark.load()
    await recovery.begin()
    stack.push_async_callback(recovery.watermark.write)
    background = Background(
        delay_seconds=settings.restart_delay_seconds, delay_limit_seconds=settings.restart_delay_limit_seconds
    )
    stack.push_async_callback(background.close)
    background.start("publishing commands", parts.client.publish_commands)
    background.start("finishing turns", recovery.run)
    background.start("noting what was seen", recovery.watermark.run)
    background.start("noting the return", parts.receipts.watch_return)
    background.start("forgetting old changes", _upkeep_of(parts, services.policy).run)
    background.start("watching replication", parts.watchdog.run)
    background.start("telling of releases", _release_notes_of(parts, services.policy).run)
    background.start("telling the owner of outages", _outage_notice_of(parts).run)
    if settings.is_replicated:
        background.start("holding drills", _drills_of(parts).run)
    if (behind := parts.backend.behind) is not None:
        background.start("writing the JSON files", behind.run)
    if (shadow := parts.backend.shadow) is not None:
        background.start("comparing what was read with the JSON files", shadow.run)
    if (source := services.personalities.profiles) is not None:
        refresher = ProfileRefresher.from_settings(settings, services.personalities, source, parts.clock)
        background.start("refreshing profiles", refresher.run)


def _token_of(settings: Settings) -> Secret:
    if settings.discord_token is None:
        raise ConfigurationError(
            "DISCORD_TOKEN is not set.",
            remedy="Copy the token from https://discord.com/developers/applications, your application, page Bot.",
        )
    return Secret(settings.discord_token.get_secret_value())


def _receipts_of(opening: Opening, store: SQLiteStore, client: Client, owner: DirectOwner) -> Receipts:
    settings = opening.settings
    marker = read_marker(settings.database_path)
    return Receipts(
        store=store,
        origin=Origin(
            epoch=marker.epoch if marker else None,
            is_restored=marker is not None and marker.is_restored,
            is_accepted=settings.restore_mode == "accept-volume",
        ),
        come_online=client.come_online,
        owner=owner if settings.receipt_dm else None,
        interval=timedelta(seconds=settings.receipt_interval_seconds),
        count_limit_seconds=settings.read_timeout_seconds,
        clock=opening.clock,
    )


def _drills_of(parts: Parts) -> Drills:
    return Drills(
        store=parts.store,
        hold=partial(drill_aside, parts.settings),
        owner=parts.owner,
        delay_seconds=parts.settings.drill_delay_seconds,
        interval_seconds=parts.settings.drill_interval_seconds,
    )


def _upkeep_of(parts: Parts, policy: Policy) -> Upkeep:
    return Upkeep(
        store=parts.store, policy=policy, interval_seconds=parts.settings.upkeep_interval_seconds, clock=parts.clock
    )


def _release_notes_of(parts: Parts, policy: Policy) -> ReleaseNotes:
    settings = parts.settings
    return ReleaseNotes(
        store=parts.store,
        policy=policy,
        mail=DirectMail(client=parts.client, timeout_seconds=settings.discord_timeout_seconds),
        releases=shipped(),
        come_online=parts.client.come_online,
        interval_seconds=settings.release_note_interval_seconds,
        retry_seconds=settings.release_note_retry_seconds,
        replication=parts.watchdog,
        clock=parts.clock,
    )


def _outage_notice_of(parts: Parts) -> OutageNotice:
    return OutageNotice(
        replication=parts.watchdog,
        owner=parts.owner,
        interval_seconds=parts.settings.canary_retry_seconds,
        retry_seconds=parts.settings.outage_limit_seconds,
    )


def _recovery_of(parts: Parts, policy: Policy) -> Recovery:
    settings, store, client = parts.settings, parts.store, parts.client
    history = ChannelHistory(client=client, timeout_seconds=settings.discord_timeout_seconds)
    speaker = WebhookSpeaker(
        client=client,
        session=parts.speaking,
        store=store,
        cipher=parts.cipher,
        typing_interval_seconds=settings.typing_interval_seconds,
        clock=parts.clock,
    )
    confirmer = AnswerConfirmation(parts.confirmation)
    delivery = Delivery(
        store=store, speaker=speaker, history=history, confirmer=confirmer, policy=policy, clock=parts.clock
    )
    watermark = Watermark(store=store, interval_seconds=settings.mark_interval_seconds, clock=parts.clock)
    decider = Decider(store=store, cipher=parts.cipher, policy=policy, replication=parts.watchdog, clock=parts.clock)
    thinker = AIClient(parts.session, settings)
    registry = pluralkit_client_from(settings, parts.session)
    proxies = Proxies(store=store, policy=policy, deletions=delivery.deletions, registry=registry, clock=parts.clock)
    dialogue = Dialogue(
        store=store,
        decider=decider,
        authors=Authors(proxies=proxies, decider=decider),
        thinker=thinker,
        delivery=delivery,
        watermark=watermark,
        asking=Asking(quotes=MessageQuotes(client=client, timeout_seconds=settings.quote_timeout_seconds)),
        clock=parts.clock,
    )
    channels = ChannelRecovery(dialogue=dialogue, history=history, herald=ReplyHerald(client=client))
    return Recovery(channels=channels, watermark=watermark, on_recovered=parts.receipts.complete)

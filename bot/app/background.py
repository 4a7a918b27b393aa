"""What runs beside the conversations."""

from contextlib import AsyncExitStack
from functools import partial

from bot.app.parts import Parts
from bot.cogs.context import Services
from bot.cogs.ports.direct_mail import DirectMail
from bot.durability.drill_child import drill_aside
from bot.services.operation.background import Background
from bot.services.operation.drills import Drills
from bot.services.operation.outage_notice import OutageNotice
from bot.services.operation.upkeep import Upkeep
from bot.services.people.notifications import ReleaseNotes, shipped
from bot.services.personalities.profiles import ProfileRefresher
from bot.services.policy import Policy


async def start_background(stack: AsyncExitStack, parts: Parts, services: Services) -> None:
    """Start all of it, and let its end come before that of what it uses."""
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

"""The use cases, put together from what is open."""

from functools import partial

from bot.ai.client import AIClient
from bot.ai.login import login_client_from
from bot.ai.profiles import profile_client_from
from bot.app.parts import Parts
from bot.cogs.context import Services
from bot.cogs.ports.direct_mail import OwnDirectMessages
from bot.cogs.ports.guilds import ClientGuilds
from bot.cogs.ports.history import ChannelHistory, ReplyHerald
from bot.cogs.ports.quoting import MessageQuotes
from bot.cogs.replies.acknowledging import Acknowledgements
from bot.durability.confirmation import AnswerConfirmation
from bot.pluralkit import pluralkit_client_from
from bot.services.answers.answers import Answers
from bot.services.answers.retrying import Retrying
from bot.services.diagnosis import Diagnosis
from bot.services.dialogue.asking import Asking
from bot.services.dialogue.authors import Authors
from bot.services.dialogue.decision import Decider
from bot.services.dialogue.delivery import Delivery
from bot.services.dialogue.dialogue import Dialogue
from bot.services.dialogue.proxies import Proxies
from bot.services.dialogue.watermark import Watermark
from bot.services.gate import Gate
from bot.services.operation.status_report import StatusReport
from bot.services.people.conversations import Conversations
from bot.services.people.login_cleanup import LoginCleanup
from bot.services.people.logins import Logins
from bot.services.people.moderation import Moderation
from bot.services.people.notifications import Notifications, shipped
from bot.services.people.purge import Purge
from bot.services.people.verifications import Verifications
from bot.services.personalities.activations import Activations
from bot.services.personalities.choices import Choices
from bot.services.personalities.configuration import Configuration
from bot.services.personalities.personalities import Personalities
from bot.services.policy import Policy
from bot.services.recovery.channel_recovery import ChannelRecovery
from bot.services.recovery.recovery import Recovery
from bot.services.undo import Undo
from bot.store.files.standing import find_standing
from bot.webhooks import WebhookSpeaker


def services_of(parts: Parts) -> Services:
    """All that the cogs call."""
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
        status=_status_of(parts),
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


def _status_of(parts: Parts) -> StatusReport:
    return StatusReport(
        store=parts.store,
        look=partial(find_standing, parts.settings, clock=parts.clock),
        replication=parts.watchdog,
        clock=parts.clock,
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

"""Who may do what, and where; a refusal is a NotAllowedError whose sentence the person is told."""

from datetime import datetime

from bot.errors import NotAllowedError, UnavailableError
from bot.model import NOBODY, Mapping, Member, Place


def is_owner(member: Member, owner_id: int) -> bool:
    """Whether this is the bot's owner; without BOT_OWNER_ID nobody is."""
    return member.user_id == owner_id != NOBODY


def require_saving(*, is_read_only: bool) -> None:
    """Refuse what would have to be saved while the operator wants nothing accepted that is nowhere else."""
    if is_read_only:
        raise UnavailableError(
            "At the moment I can't copy anything to a safe place, so I accept nothing that I would have to remember.",
            remedy="Try again in a few minutes.",
        )


def require_login(*, is_present: bool, expires_at: datetime | None, now: datetime, how: str) -> None:
    """Refuse a user without a token, or with one past its date; `how` is the command that logs in."""
    if not is_present:
        raise NotAllowedError("You are not logged in yet.", remedy=f"Log in with {how}.")
    if expires_at is not None and expires_at <= now:
        raise NotAllowedError("Your login has expired.", remedy=f"Log in again with {how}.")


def require_voice(channel_id: int, *, is_muted: bool) -> None:
    """Refuse where a moderator lets the bot write nothing, though its webhooks could."""
    if is_muted:
        raise NotAllowedError(
            f"I may not write in <#{channel_id}>, so nobody answers you there.",
            remedy="A moderator can give me the permission Send Messages.",
        )


def require_conversation_place(place: Place, *, is_verified: bool, how: str) -> None:
    """Refuse talking in a DM with someone unverified, and in channels that are open to all ages."""
    if place.is_dm and not is_verified:
        raise NotAllowedError(
            "In direct messages I only answer people who are age-verified.",
            remedy=f"Use {how} in an age-restricted channel of a server.",
        )
    if not place.is_dm and not place.is_nsfw:
        raise NotAllowedError(
            "Personalities only speak in channels marked as age-restricted.",
            remedy="Call it in one of those, or in a direct message to me.",
        )


def require_activation(member: Member, place: Place) -> None:
    """Refuse activating without Manage Messages, in a DM, or in a channel that is open to all ages."""
    require_deactivation(member, place)
    if not place.is_nsfw:
        raise NotAllowedError("A personality can only be activated in a channel marked as age-restricted.")


def require_deactivation(member: Member, place: Place) -> None:
    """Refuse it without Manage Messages, or in a DM, which has no activation."""
    if place.is_dm:
        raise NotAllowedError("Personalities are activated in a server's channels, not in direct messages.")
    if not member.may_manage_messages:
        raise NotAllowedError("For this you need the permission Manage Messages in this channel.")


def require_age_proof(member: Member, place: Place) -> None:
    """Refuse verifying someone of whom Discord does not show that they are of age."""
    if not place.is_dm and place.is_nsfw:
        return
    if member.can_see_nsfw_channel:
        return
    raise NotAllowedError(
        "I can't tell that you are of age.", remedy="Use this command in a channel marked as age-restricted."
    )


def require_private_place(place: Place, *, how: str) -> None:
    """Refuse a login code anywhere but in a direct message; `how` is the command that leads to another one."""
    if not place.is_dm:
        raise NotAllowedError(
            "A login code must not be shown to others, so I deleted that message.",
            remedy=f"Get another code with {how}, and give it to me with `/auth code` or in a direct message.",
        )


def may_delete(member: Member, place: Place, mapping: Mapping) -> bool:
    """Whether an answer is theirs to delete: the person's whom it answers, and in a server the moderators'."""
    return member.user_id == mapping.user_id or (member.may_manage_messages and not place.is_dm)


def require_deletion(member: Member, place: Place, mapping: Mapping) -> None:
    """Refuse deleting an answer to anyone else."""
    if not may_delete(member, place, mapping):
        raise NotAllowedError("Only the person whom this answers may delete it, or who has Manage Messages here.")

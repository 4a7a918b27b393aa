import base64

import pytest
from pydantic import SecretStr

from bot.errors import ConfigurationError, ProtectedError, UnreadableError
from bot.model import Login, Secret, WebhookKey
from bot.settings import Settings
from bot.store import logins, webhooks
from bot.store.cipher import Cipher, cipher_from, require_keys
from bot.store.statement import Statement, Store

from .conftest import NOW, make_key

PLACE = ("auth_tokens", "token", 7)


def test_a_secret_opens_in_its_own_place(cipher: Cipher) -> None:
    text = cipher.encrypt(Secret("tökèn"), *PLACE)
    assert text.startswith(f"v1.{cipher.key_ids[0]}.")
    assert cipher.decrypt(text, *PLACE) == Secret("tökèn")


def test_the_same_secret_never_looks_the_same(cipher: Cipher) -> None:
    assert len({cipher.encrypt(Secret("t"), *PLACE) for _ in range(100)}) == 100


@pytest.mark.parametrize("place", [("webhooks", "token", 7), ("auth_tokens", "extra", 7), ("auth_tokens", "token", 77)])
def test_a_ciphertext_moved_elsewhere_is_refused(cipher: Cipher, place: tuple[str, str, int]) -> None:
    text = cipher.encrypt(Secret("t"), *PLACE)
    with pytest.raises(UnreadableError, match="was changed, or comes from another row"):
        cipher.decrypt(text, *place)


def test_every_flipped_bit_is_noticed(cipher: Cipher) -> None:
    version, key_id, sealed = cipher.encrypt(Secret("t"), *PLACE).split(".")
    raw = base64.b64decode(sealed)
    for position in range(len(raw)):
        flipped = bytearray(raw)
        flipped[position] ^= 1
        with pytest.raises(UnreadableError):
            cipher.decrypt(f"{version}.{key_id}.{base64.b64encode(flipped).decode()}", *PLACE)


@pytest.mark.parametrize("text", ["plain", "", "v1.x.y.z", "v2.{id}.AAAA", "v1.{id}.", "v1.{id}.!!!!", "v1.{id}.AAAA"])
def test_what_is_no_ciphertext_is_refused_without_showing_it(cipher: Cipher, text: str) -> None:
    broken = text.format(id=cipher.key_ids[0])
    with pytest.raises(UnreadableError) as caught:
        cipher.decrypt(broken, *PLACE)
    assert not broken or broken not in str(caught.value)


def test_after_a_rotation_the_first_key_encrypts_and_all_decrypt() -> None:
    old, new = Cipher([make_key(1)]), Cipher([make_key(2), make_key(1)])
    before = old.encrypt(Secret("a"), *PLACE)
    after = new.encrypt(Secret("b"), *PLACE)
    assert new.decrypt(before, *PLACE) == Secret("a")
    assert new.decrypt(after, *PLACE) == Secret("b")
    with pytest.raises(ProtectedError, match=new.key_ids[0]):
        old.decrypt(after, *PLACE)


def test_without_a_key_the_refusal_shows_how_to_make_one() -> None:
    with pytest.raises(ConfigurationError, match="base64, os") as caught:
        cipher_from(Settings(_env_file=None, encryption_keys=()))
    assert caught.value.exit_code == 2


def test_the_settings_keys_are_used_in_their_order() -> None:
    keys = f"{make_key(2).get_secret_value()},{make_key(1).get_secret_value()}"
    cipher = cipher_from(Settings(_env_file=None, encryption_keys=keys))
    assert cipher.key_ids == Cipher([make_key(2), make_key(1)]).key_ids


@pytest.mark.parametrize("backend", ["database"], indirect=True)  # no file can say what does not open
async def test_a_key_missing_for_data_that_is_there_is_refused_at_start(store: Store) -> None:
    first, second, third = (Cipher([make_key(n)]) for n in (1, 2, 3))
    await require_keys(store, third)
    await store.write(logins.put(Login(1, Secret("a"), NOW), first))
    await store.write(webhooks.put(WebhookKey(2, 3, Secret("b"), NOW), second))
    await require_keys(store, Cipher([make_key(3), make_key(2), make_key(1)]))
    with pytest.raises(ProtectedError, match=second.key_ids[0]) as caught:
        await require_keys(store, Cipher([make_key(3), make_key(1)]))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("backend", ["database"], indirect=True)
async def test_a_login_copied_to_another_user_does_not_open(store: Store, cipher: Cipher) -> None:
    await store.write(logins.put(Login(1, Secret("a"), NOW), cipher))
    await store.write(
        Statement(
            "INSERT INTO auth_tokens SELECT 2, personality_name, token, created_at, NULL, NULL, NULL FROM auth_tokens"
        )
    )
    with pytest.raises(UnreadableError):
        await store.fetch(logins.find_by_user(2, cipher))


def test_no_key_and_no_secret_shows_in_any_repr(cipher: Cipher) -> None:
    key = make_key(1).get_secret_value()
    assert key not in repr(cipher) + repr(vars(cipher))
    assert "invented" not in repr(Login(1, Secret("invented"), NOW))
    assert isinstance(make_key(1), SecretStr)

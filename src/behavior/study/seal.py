"""Bytes that only a passphrase opens: scrypt makes the key, AES-256-GCM encrypts and notices any change.

A sealed file is JSON: what made the key of the passphrase (salt and cost), the nonce, and the ciphertext. All but the
ciphertext is authenticated too, so that neither part can be changed unnoticed.

References
----------
Percival C, Josefsson S (2016). The scrypt password-based key derivation function. RFC 7914.
McGrew D, Viega J (2004). The Galois/Counter Mode of operation (NIST SP 800-38D).
"""

from __future__ import annotations

import base64
import json
import os

from behavior.model.decode import tree
from behavior.model.errors import BadInput

FORMAT = "behavior-seal/1"
COST = 2**17
"""N of scrypt, with r = 8 and p = 1: 128 MB of memory for each guess."""
LEAST_COST, MOST_COST = 2**10, 2**20
SHORTEST = 8
"""Letters that a passphrase must have."""


def seal(plain: bytes, passphrase: str) -> bytes:
    """Encrypt bytes; another salt and nonce each time, so that equal bytes never look equal.

    Raises
    ------
    BadInput
        The passphrase is too short to hide anything.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(passphrase) < SHORTEST:
        raise BadInput(f"a passphrase of {len(passphrase)} letters is soon guessed; choose one of {SHORTEST} or more")
    cost = COST
    salt, nonce = os.urandom(16), os.urandom(12)
    head = {"format": FORMAT, "kdf": "scrypt", "n": cost, "r": 8, "p": 1, "salt": _text(salt), "nonce": _text(nonce)}
    box = AESGCM(_key(passphrase, salt, cost)).encrypt(nonce, plain, _bound(head))
    return (json.dumps({**head, "sealed": _text(box)}, indent=1) + "\n").encode()


def unseal(sealed: bytes, passphrase: str, *, file: object) -> bytes:
    """What was sealed.

    Parameters
    ----------
    sealed : from `seal`
    passphrase : the same
    file : named in errors

    Raises
    ------
    BadInput
        These are no sealed bytes, or the passphrase is wrong, or they were changed: the last two cannot be told apart.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        head = tree(sealed)
        box, salt, nonce = (base64.b64decode(head[name], validate=True) for name in ("sealed", "salt", "nonce"))
        cost = head["n"]
        usable = head["format"] == FORMAT and isinstance(cost, int) and LEAST_COST <= cost <= MOST_COST
        if not usable or cost & (cost - 1) or len(nonce) != 12:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{file}: is no sealed key of this version; restore it from a copy") from None
    del head["sealed"]
    try:
        return AESGCM(_key(passphrase, salt, cost)).decrypt(nonce, box, _bound(head))
    except InvalidTag:
        raise BadInput(f"{file}: cannot be opened: the passphrase is wrong, or the key was changed") from None


def _key(passphrase: str, salt: bytes, cost: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase.encode())


def _bound(head: dict[str, object]) -> bytes:
    return json.dumps(head, sort_keys=True).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()

"""Writes docs/wire/vectors/*.json: what this client makes of fixed keys, all in hex. Takes no input.

    python make_vectors.py           writes the files anew
    python make_vectors.py --check   fails when one of them is another
"""

import json
import sys
import warnings
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from noise.connection import Keypair, NoiseConnection

from pairing import PairingLink, Relay, check, phrase
from session import (
    GOODBYE, KNOWN, LAST, MORE, NAMES, PAIRING, REKEY, Handshake, Sealed, opening, prologue,
)
from wire import b64, proof, route, unb64

FOLDER = Path(__file__).parents[2] / "docs/wire/vectors"

DEVICE, AGENT = bytes([0x11] * 32), bytes([0x22] * 32)
DEVICE_EPHEMERAL, AGENT_EPHEMERAL = bytes([0x33] * 32), bytes([0x44] * 32)
SECRET, ROUTE = bytes(range(32)), bytes(range(0x80, 0x98))


def public(key):
    return X25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


def pairing_link():
    relays = [
        Relay("relay.example.org:443", ROUTE),
        Relay("[2001:db8::1]:8443", bytes(range(0xA0, 0xB8)), bytes([0x55] * 32)),
    ]
    return PairingLink(public(AGENT), SECRET, 1_800_000_000_000, relays, "deputy.example")


class Agent:
    """The answering side, only for the vectors."""

    def __init__(self, kind, psk):
        self.noise = noise = NoiseConnection.from_name(NAMES[kind])
        noise.set_as_responder()
        noise.set_prologue(prologue(kind, ROUTE))
        noise.set_keypair_from_private_bytes(Keypair.STATIC, AGENT)
        noise.set_keypair_from_private_bytes(Keypair.EPHEMERAL, AGENT_EPHEMERAL)
        if psk:
            noise.set_psks(psk)
        noise.start_handshake()


def handshake(kind, psk, payload):
    """Both handshake messages, then what both say."""
    device = Handshake(kind, DEVICE, public(AGENT), ROUTE, psk, payload, DEVICE_EPHEMERAL)
    first = device.first()[7:]
    agent = Agent(kind, psk)
    heard = bytes(agent.noise.read_message(first))
    answer = b'{"software":"deputy/0.1.0"}'
    second = bytes(agent.noise.write_message(answer))
    device.second(second)
    ours, theirs = device.sealed(), Sealed(agent.noise)
    assert ours.handshake_hash == theirs.handshake_hash
    keys = ours._noise.noise_protocol
    made = {
        "protocol": NAMES[kind].decode(),
        "opening": opening(kind),
        "route": ROUTE,
        "prologue": prologue(kind, ROUTE),
        "device_private": DEVICE,
        "device_public": public(DEVICE),
        "device_ephemeral_private": DEVICE_EPHEMERAL,
        "agent_private": AGENT,
        "agent_public": public(AGENT),
        "agent_ephemeral_private": AGENT_EPHEMERAL,
        "psk": psk,
        "first_payload": heard,
        "first_message": first,
        "second_payload": answer,
        "second_message": second,
        "handshake_hash": ours.handshake_hash,
        "phrase": phrase(ours.handshake_hash),
        "device_sends_with": keys.cipher_state_encrypt.k,
        "agent_sends_with": keys.cipher_state_decrypt.k,
    }
    made["messages"] = messages(ours, theirs)
    return made


def messages(device, agent):
    """One after the other: who, the plaintext (one byte and content), and the Noise message."""
    long = b'{"type":"ask","id":"2","what":{"ask":"needs","all":true}}'
    said = [
        ("device", LAST, b'{"type":"ask","id":"1","what":{"ask":"status"}}'),
        ("agent", LAST, b'{"type":"answer","id":"1","ok":{"type":"needs","value":[]}}'),
        ("device", MORE, long[:20]),
        ("device", LAST, long[20:]),
        ("device", REKEY, b""),
        ("device", LAST, b'{"type":"ping"}'),
        ("agent", REKEY, b""),
        ("agent", REKEY, b""),
        ("agent", LAST, b'{"type":"event","event":{"seq":42}}'),
        ("device", GOODBYE, b""),
        ("agent", GOODBYE, b""),
    ]
    made = []
    for who, mark, content in said:
        sender, hearer = (device, agent) if who == "device" else (agent, device)
        message = sender.seal(mark, content)
        plain = hearer._noise.decrypt(message)
        assert plain == bytes([mark]) + content
        one = {"from": who, "plaintext": plain, "message": message}
        if mark == REKEY:
            hearer._noise.rekey_inbound_cipher()
            one["next_key"] = sender._noise.noise_protocol.cipher_state_encrypt.k
        made.append(one)
    return made


def pairing():
    link = pairing_link()
    text = link.encode()
    assert PairingLink.parse(text) == link
    x = unb64(text.split("#")[1])
    hashes = [bytes(32), bytes([0xFF] * 32), bytes(range(32))]
    return {
        "link": text,
        "host": link.host,
        "agent_public": link.agent,
        "secret": link.secret,
        "expiry_ms": link.expiry_ms,
        "relays": [vars(relay) for relay in link.relays],
        "bytes": x,
        "check": check(x[:-4]),
        "psk": link.psk(),
        "phrases": [{"handshake_hash": hash, "phrase": phrase(hash)} for hash in hashes],
    }


def link():
    """The two vectors of link.md, with all that goes in."""
    r, salt = bytes([7] * 32), bytes([9] * 32)
    made = route(r, salt)
    assert b64(made) == "b484VA19Z2TEDkvxoSJK6kUhNHo4Vo1h"
    key, relay_key = bytes([3] * 32), bytes(range(32))
    mine, challenge = public(key), public(relay_key)
    assert b64(mine) == "Xf7dO2vUf2-ijuFdlp1bsOpTd01Ii9r53xxuASSz7yI"
    assert b64(challenge) == "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8"
    shared = X25519PrivateKey.from_private_bytes(key).exchange(
        X25519PublicKey.from_public_bytes(challenge)
    )
    nonce, channel = bytes(range(0x20, 0x40)), bytes([5] * 32)
    name, salts = b"relay.example.org", [bytes([1] * 32), bytes([2] * 32)]
    answer = proof(shared, challenge, mine, nonce, channel, 1, name, salts)
    assert b64(answer) == "3yVEChiDoMBZ9OnimAocXuiDGpCz65cF3rrfwCI4bPU"
    return {
        "route": {"route_key": r, "salt": salt, "route": made},
        "proof": {
            "route_private": key,
            "route_key": mine,
            "relay_private": relay_key,
            "challenge_key": challenge,
            "shared": shared,
            "nonce": nonce,
            "channel": channel,
            "id": 1,
            "relay": name.decode(),
            "salts": salts,
            "proof": answer,
        },
    }


def push():
    """An envelope, made as an agent makes it (push.md)."""
    content = json.dumps(
        {
            "id": "u7",
            "kind": "need",
            "need": "n4",
            "title": "Invoices",
            "text": "Approve a mail to ana@example.org",
            "at": "2026-11-28T08:00:00Z",
        }
    ).encode().ljust(1024)
    noise = NoiseConnection.from_name(b"Noise_K_25519_ChaChaPoly_BLAKE2s")
    noise.set_as_initiator()
    noise.set_prologue(b"deputy push\x01")
    noise.set_keypair_from_private_bytes(Keypair.STATIC, AGENT)
    noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, public(DEVICE))
    noise.set_keypair_from_private_bytes(Keypair.EPHEMERAL, AGENT_EPHEMERAL)
    noise.start_handshake()
    return {
        "agent_private": AGENT,
        "agent_public": public(AGENT),
        "agent_ephemeral_private": AGENT_EPHEMERAL,
        "device_private": DEVICE,
        "device_public": public(DEVICE),
        "content": content,
        "envelope": b"\x01" + bytes(noise.write_message(content)),
    }


def files():
    """The name and text of each file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fixed ephemeral keys
        known = handshake(KNOWN, None, {"software": "interop/1"})
        psk = pairing_link().psk()
        pairs = handshake(PAIRING, psk, {"software": "interop/1", "name": "Phone"})
        pushed = push()
    made = {
        "handshake-ik.json": known,
        "handshake-ikpsk1.json": pairs,
        "pairing.json": pairing(),
        "link.json": link(),
        "push.json": pushed,
    }
    return {
        name: json.dumps(what, indent=2, ensure_ascii=False, default=bytes.hex) + "\n"
        for name, what in made.items()
    }


def main():
    for name, text in files().items():
        if "--check" not in sys.argv:
            (FOLDER / name).write_text(text)
        elif (FOLDER / name).read_text() != text:
            sys.exit(f"vectors/{name} is another")


if __name__ == "__main__":
    main()

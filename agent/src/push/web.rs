//! Messages for browsers: the encryption of RFC 8291 (with RFC 8188's encoding `aes128gcm`) and the
//! request of RFC 8030.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};

/// A P-256 point, uncompressed.
const POINT: usize = 65;

/// The size of a record that is announced; one record is all there is (RFC 8291, section 4).
const RECORD: u32 = 4_096;

/// The keys of a browser's subscription.
pub(super) struct Subscription {
    point: [u8; POINT],
    auth: [u8; 16],
}

/// Something that ring does not do; it never says why.
#[derive(Debug, thiserror::Error)]
#[error("the push cannot be sealed for this browser")]
pub(super) struct NotSealed;

impl From<ring::error::Unspecified> for NotSealed {
    fn from(_: ring::error::Unspecified) -> Self {
        Self
    }
}

/// Lengths for ring's key derivation.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(
    salt: &[u8],
    secret: &[u8],
    info: &[&[u8]],
) -> Result<[u8; N], NotSealed> {
    let mut out = [0; N];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(info, Length(N))?
        .fill(&mut out)?;
    Ok(out)
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    // Browsers leave the padding out; some libraries between do not.
    URL_SAFE_NO_PAD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

impl Subscription {
    /// Reads the two keys of a subscription, in base64url.
    pub(super) fn read(p256dh: &str, auth: &str) -> Result<Self, String> {
        let point = decoded(p256dh)
            .and_then(|bytes| <[u8; POINT]>::try_from(bytes).ok())
            .filter(|point| point[0] == 4)
            .ok_or("the browser's key is not an uncompressed P-256 point in base64url")?;
        let auth = decoded(auth)
            .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())
            .ok_or("the browser's secret is not 16 bytes in base64url")?;
        Ok(Self { point, auth })
    }

    /// Seals a content: the body of the request.
    pub(super) fn seal(&self, content: &[u8]) -> Result<Vec<u8>, NotSealed> {
        let random = SystemRandom::new();
        let key = EphemeralPrivateKey::generate(&ECDH_P256, &random)?;
        let mine: [u8; POINT] = key
            .compute_public_key()?
            .as_ref()
            .try_into()
            .map_err(|_| NotSealed)?;
        let mut salt = [0; 16];
        random.fill(&mut salt)?;
        let theirs = UnparsedPublicKey::new(&ECDH_P256, self.point);
        agree_ephemeral(key, &theirs, |shared| {
            self.encrypt(shared, &mine, salt, content)
        })?
    }

    /// The rest, once the two sides share a secret.
    fn encrypt(
        &self,
        shared: &[u8],
        mine: &[u8; POINT],
        salt: [u8; 16],
        content: &[u8],
    ) -> Result<Vec<u8>, NotSealed> {
        let info: [&[u8]; 3] = [b"WebPush: info\0", &self.point, mine];
        let input: [u8; 32] = derive(&self.auth, shared, &info)?;
        let key: [u8; 16] = derive(&salt, &input, &[b"Content-Encoding: aes128gcm\0"])?;
        let nonce: [u8; 12] = derive(&salt, &input, &[b"Content-Encoding: nonce\0"])?;
        let mut record = content.to_vec();
        // The last record, without padding of its own: the content has one size for all.
        record.push(2);
        LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?).seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::empty(),
            &mut record,
        )?;
        let mut body = salt.to_vec();
        body.extend_from_slice(&RECORD.to_be_bytes());
        body.push(POINT as u8);
        body.extend_from_slice(mine);
        body.append(&mut record);
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    // RFC 8291, appendix A.
    #[test]
    fn the_example_of_the_standard_comes_out() {
        let subscription = Subscription::read(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "BTBZMqHH6r4Tts7J_aSIgg",
        )
        .unwrap();
        let mine = bytes(
            "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
        );
        let body = subscription
            .encrypt(
                &bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"),
                &mine.try_into().unwrap(),
                bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap(),
                b"When I grow up, I want to be a watermelon",
            )
            .unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (point, auth) = (
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "BTBZMqHH6r4Tts7J_aSIgg",
        );
        assert!(Subscription::read(point, auth).is_ok());
        assert!(Subscription::read(&format!("{point}="), &format!("{auth}==")).is_ok());
        for (point, auth) in [("", auth), (auth, auth), (point, ""), (point, point)] {
            assert!(Subscription::read(point, auth).is_err());
        }
        // On no curve: found out when something is sealed to it.
        let nowhere = URL_SAFE_NO_PAD.encode([[4; 1].as_slice(), &[7; 64]].concat());
        let nowhere = Subscription::read(&nowhere, auth).unwrap();
        assert!(nowhere.seal(b"x").is_err());
    }
}

//! Java's key stores: librdkafka reads PEM and PKCS#12.

use std::path::Path;

use super::Translation;

fn property(name: &str, value: &str) -> Translation {
    Translation::Property {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn unused(instead: &str) -> Translation {
    Translation::Unused {
        instead: instead.to_owned(),
    }
}

/// What a file is, by the end of its name.
#[derive(PartialEq, Eq)]
enum Store {
    Pem,
    Pkcs12,
    Jks,
}

fn store(path: &str) -> Store {
    let end = Path::new(path).extension().and_then(|e| e.to_str());
    match end.unwrap_or_default().to_ascii_lowercase().as_str() {
        "pem" | "crt" | "cer" | "cert" | "key" => Store::Pem,
        "p12" | "pfx" | "pkcs12" => Store::Pkcs12,
        _ => Store::Jks,
    }
}

/// `ssl.truststore.location`
pub(super) fn truststore_location(path: &str) -> Translation {
    if store(path) == Store::Pem {
        return property("ssl.ca.location", path);
    }
    unused(
        "trusted certificates are read as PEM: \
         `keytool -exportcert -rfc -keystore STORE -alias CA -file ca.pem`, then \
         `ssl.ca.location: ca.pem`",
    )
}

/// `ssl.keystore.location`
pub(super) fn keystore_location(path: &str) -> Translation {
    match store(path) {
        Store::Pkcs12 => property("ssl.keystore.location", path),
        Store::Pem => Translation::Properties(vec![
            ("ssl.certificate.location".to_owned(), path.to_owned()),
            ("ssl.key.location".to_owned(), path.to_owned()),
        ]),
        Store::Jks => unused(
            "the key is read as PKCS#12 or PEM: `keytool -importkeystore -srckeystore STORE \
             -destkeystore client.p12 -deststoretype PKCS12`, then \
             `ssl.keystore.location: client.p12`",
        ),
    }
}

/// `ssl.truststore.type`
pub(super) fn truststore_type(kind: &str) -> Translation {
    match kind.to_ascii_uppercase().as_str() {
        "PEM" => Translation::Properties(Vec::new()),
        _ => unused("trusted certificates are read as PEM from `ssl.ca.location`"),
    }
}

/// `ssl.keystore.type`
pub(super) fn keystore_type(kind: &str) -> Translation {
    match kind.to_ascii_uppercase().as_str() {
        "PEM" | "PKCS12" => Translation::Properties(Vec::new()),
        _ => unused("the key is read as PKCS#12 or PEM"),
    }
}

/// `ssl.cipher.suites`: Java lists names of the standard by commas, OpenSSL its own by colons.
pub(super) fn cipher_suites(names: &str) -> Translation {
    if names.contains("_WITH_") {
        return unused("OpenSSL chooses, unless its own names are given, joined by colons");
    }
    property("ssl.cipher.suites", &names.replace([',', ' '], ":"))
}

/// `ssl.endpoint.identification.algorithm`: nothing means none.
pub(super) fn endpoint_identification(algorithm: &str) -> Translation {
    let name = "ssl.endpoint.identification.algorithm";
    match algorithm.to_ascii_lowercase().as_str() {
        "" | "none" => property(name, "none"),
        "https" => property(name, "https"),
        _ => Translation::Bad {
            why: "it is `https` or empty".to_owned(),
        },
    }
}

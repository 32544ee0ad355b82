//! `sasl.jaas.config`: the one line of Java that holds the credentials.

use super::Translation;

/// A login module and its options, in order.
struct Login<'a> {
    module: &'a str,
    options: Vec<(&'a str, &'a str)>,
}

/// Turns `…PlainLoginModule required username="u" password="p";` into user name and password.
pub(super) fn translate(value: &str) -> Translation {
    let Some(login) = parse(value) else {
        let why = "it is read as `MODULE required KEY=\"VALUE\" …;`".to_owned();
        return Translation::Bad { why };
    };
    let option = |name: &str| {
        let found = login.options.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| unescaped(value))
    };
    let named = |pairs: &[(&str, &str)]| {
        let found = pairs
            .iter()
            .filter_map(|(from, to)| Some(((*to).to_owned(), option(from)?)));
        Translation::Properties(found.collect())
    };
    let module = login.module.rsplit('.').next().unwrap_or_default();
    match module {
        "PlainLoginModule" | "ScramLoginModule" => {
            if option("username").is_none() || option("password").is_none() {
                let why = format!("{module} needs `username` and `password`");
                return Translation::Bad { why };
            }
            named(&[("username", "sasl.username"), ("password", "sasl.password")])
        }
        "OAuthBearerLoginModule" => named(&[
            ("clientId", "sasl.oauthbearer.client.id"),
            ("clientSecret", "sasl.oauthbearer.client.secret"),
            ("scope", "sasl.oauthbearer.scope"),
        ]),
        "Krb5LoginModule" => Translation::Bad {
            why: "Kerberos is not built in: use SCRAM, PLAIN, OAUTHBEARER or TLS certificates"
                .to_owned(),
        },
        _ => Translation::Bad {
            why: format!(
                "the login module {module} is not known: write `sasl.username` and `sasl.password`"
            ),
        },
    }
}

/// The password in it.
pub(super) fn secret(value: &str) -> Option<&str> {
    let Some(login) = parse(value) else {
        // What cannot be read may hold anything.
        return Some(value);
    };
    let is_secret = |key: &&(&str, &str)| matches!(key.0, "password" | "clientSecret");
    login.options.iter().find(is_secret).map(|(_, v)| *v)
}

fn parse(value: &str) -> Option<Login<'_>> {
    let value = value.trim();
    let (module, rest) = value.split_once(char::is_whitespace)?;
    let mut rest = rest.trim_start();
    for flag in ["required", "requisite", "sufficient", "optional"] {
        if let Some(after) = rest.strip_prefix(flag) {
            rest = after.trim_start();
            break;
        }
    }
    let mut options = Vec::new();
    while !rest.is_empty() && !rest.starts_with(';') {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = closing_quote(quoted)?;
                (&quoted[..end], &quoted[end + 1..])
            }
            None => {
                let end = after.find(|c: char| c.is_whitespace() || c == ';');
                after.split_at(end.unwrap_or(after.len()))
            }
        };
        options.push((key.trim(), value));
        rest = after.trim_start();
    }
    Some(Login { module, options })
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !is_escaped => return Some(at),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

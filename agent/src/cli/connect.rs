//! `deputy connect`: what can be typed, and what it asks for.

use super::requests::secret_from_stdin;
use clap::{Args, Subcommand};
use deputy_protocol::ErrorBody;
use deputy_protocol::control::Request;
use serde_json::{Value, json};

#[derive(Subcommand)]
pub(super) enum Connect {
    /// A mail server to send through.
    Mail(ConnectMail),
    /// The calendars of an account on a CalDAV server.
    Calendar(ConnectCalendar),
    /// A service that searches the web.
    Search(ConnectSearch),
    /// A web service of your own account, by its address and the token or key that it wants.
    Http(ConnectHttp),
}

#[derive(Args)]
pub(super) struct ConnectHttp {
    /// The connection's name, as contracts call it.
    #[arg(long)]
    pub(super) name: String,
    /// All that is asked of it lies below this address.
    #[arg(long)]
    pub(super) base_url: String,
    /// bearer, basic, header or none.
    #[arg(long, default_value = "bearer")]
    pub(super) auth: String,
    /// The user name, for basic.
    #[arg(long)]
    pub(super) username: Option<String>,
    /// The header that the secret is in, for header.
    #[arg(long)]
    pub(super) header: Option<String>,
    /// What comes in front of the secret in that header.
    #[arg(long)]
    pub(super) prefix: Option<String>,
    /// What is read to try the connection; the address itself when left out.
    #[arg(long)]
    pub(super) check_path: Option<String>,
    /// Read the token, password or key from standard input.
    #[arg(long, conflicts_with = "client_id")]
    pub(super) secret_stdin: bool,
    #[command(flatten)]
    pub(super) oauth: ConnectOauth,
}

#[derive(Args)]
pub(super) struct ConnectCalendar {
    /// The connection's name, as contracts call it.
    #[arg(long, default_value = "calendar")]
    pub(super) name: String,
    /// The server, the account's address there, or one calendar's.
    #[arg(long)]
    pub(super) url: String,
    /// The user name.
    #[arg(long)]
    pub(super) username: Option<String>,
    /// Read the password from standard input.
    #[arg(long, conflicts_with = "client_id")]
    pub(super) password_stdin: bool,
    #[command(flatten)]
    pub(super) oauth: ConnectOauth,
}

#[derive(Args)]
pub(super) struct ConnectSearch {
    /// The connection's name, as contracts call it.
    #[arg(long, default_value = "search")]
    pub(super) name: String,
    /// brave, tavily or searxng.
    #[arg(long)]
    pub(super) provider: String,
    /// The address, for searxng.
    #[arg(long)]
    pub(super) url: Option<String>,
    /// Read the key from standard input.
    #[arg(long)]
    pub(super) key_stdin: bool,
}

#[derive(Args)]
pub(super) struct ConnectMail {
    /// The connection's name, as contracts call it.
    #[arg(long, default_value = "mail")]
    pub(super) name: String,
    /// The SMTP server.
    #[arg(long)]
    pub(super) smtp_host: String,
    /// Its port.
    #[arg(long)]
    pub(super) smtp_port: u16,
    /// The IMAP server, to read mail and to look sent mail up.
    #[arg(long)]
    pub(super) imap_host: Option<String>,
    /// Its port.
    #[arg(long)]
    pub(super) imap_port: Option<u16>,
    /// none, starttls or implicit.
    #[arg(long)]
    pub(super) tls: String,
    /// The sender's address.
    #[arg(long)]
    pub(super) from: String,
    /// The user name.
    #[arg(long)]
    pub(super) username: Option<String>,
    /// Read the password from standard input.
    #[arg(long, conflicts_with = "client_id")]
    pub(super) password_stdin: bool,
    /// How long one command may take.
    #[arg(long)]
    pub(super) timeout_ms: Option<u64>,
    #[command(flatten)]
    pub(super) oauth: ConnectOauth,
}

/// A provider at which one signs in, in place of a secret that is typed.
#[derive(Args)]
#[command(next_help_heading = "Signing in by OAuth, in place of a typed secret")]
pub(super) struct ConnectOauth {
    /// What the provider calls this client: from the registration of an app with it.
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,
    /// google, microsoft or github: a provider whose addresses are known.
    #[arg(long, value_name = "PROVIDER", requires = "client_id")]
    pub(super) oauth: Option<String>,
    /// A provider that says its addresses itself, below this one.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) issuer: Option<String>,
    /// Where one signs in, in a browser.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) auth_url: Option<String>,
    /// Where tokens are handed out.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) token_url: Option<String>,
    /// Where signing in on another device begins.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) device_url: Option<String>,
    /// Where tokens are given back.
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(super) revoke_url: Option<String>,
    /// What is asked for; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE", requires = "client_id")]
    pub(super) scopes: Vec<String>,
    /// What the provider wants to be told besides when one signs in; may be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE", requires = "client_id")]
    pub(super) params: Vec<String>,
    /// basic or post: how the client shows its secret.
    #[arg(long, value_name = "HOW", requires = "client_id")]
    pub(super) client_auth: Option<String>,
    /// Read the client's own secret from standard input, where the provider gave it one.
    #[arg(long, requires = "client_id")]
    pub(super) client_secret_stdin: bool,
}

impl Connect {
    /// What it asks for. Reads a secret from standard input where it was said that it comes there.
    pub(super) fn request(self) -> Result<Request, ErrorBody> {
        match self {
            Self::Mail(mail) => connect_mail(mail),
            Self::Search(search) => Ok(Request::Connect {
                kind: "search".to_owned(),
                name: search.name,
                config: json!({"provider": search.provider, "url": search.url}),
                secret: secret(search.key_stdin, "key")?,
            }),
            Self::Calendar(calendar) => connect_calendar(calendar),
            Self::Http(http) => connect_http(http),
        }
    }
}

fn secret(is_on_stdin: bool, what: &str) -> Result<Option<String>, ErrorBody> {
    is_on_stdin.then(|| secret_from_stdin(what)).transpose()
}

impl ConnectOauth {
    /// The settings, and the client's secret; nothing where nobody signs in.
    fn settings(self) -> Result<Option<(Value, Option<String>)>, ErrorBody> {
        let Some(client_id) = self.client_id else {
            return Ok(None);
        };
        let mut oauth = json!({"client_id": client_id, "scopes": self.scopes, "params": {}});
        for (key, given) in [
            ("provider", self.oauth),
            ("issuer", self.issuer),
            ("auth_url", self.auth_url),
            ("token_url", self.token_url),
            ("device_url", self.device_url),
            ("revoke_url", self.revoke_url),
            ("client_auth", self.client_auth),
        ] {
            if let Some(given) = given {
                oauth[key] = json!(given);
            }
        }
        for param in self.params {
            let Some((name, value)) = param.split_once('=') else {
                let message = format!("“{param}” is not a name and a value");
                return Err(ErrorBody::new("usage", message, "--param NAME=VALUE"));
            };
            oauth["params"][name] = json!(value);
        }
        Ok(Some((
            oauth,
            secret(self.client_secret_stdin, "client's secret")?,
        )))
    }
}

/// A connection with what was typed, or by OAuth.
fn connect(
    kind: &str,
    name: String,
    mut config: Value,
    mut secret: Option<String>,
    oauth: ConnectOauth,
) -> Result<Request, ErrorBody> {
    if let Some((settings, of_client)) = oauth.settings()? {
        config["oauth"] = settings;
        secret = of_client;
    }
    Ok(Request::Connect {
        kind: kind.to_owned(),
        name,
        config,
        secret,
    })
}

fn connect_http(http: ConnectHttp) -> Result<Request, ErrorBody> {
    let typed = secret(http.secret_stdin, "secret")?;
    let mut auth = json!({"kind": http.auth});
    for (key, given) in [
        ("username", http.username),
        ("name", http.header),
        ("prefix", http.prefix),
    ] {
        if let Some(given) = given {
            auth[key] = json!(given);
        }
    }
    let config = json!({"base_url": http.base_url, "auth": auth, "check_path": http.check_path});
    connect("http", http.name, config, typed, http.oauth)
}

fn connect_calendar(calendar: ConnectCalendar) -> Result<Request, ErrorBody> {
    let typed = secret(calendar.password_stdin, "password")?;
    let config = json!({"url": calendar.url, "username": calendar.username});
    connect("calendar", calendar.name, config, typed, calendar.oauth)
}

fn connect_mail(mail: ConnectMail) -> Result<Request, ErrorBody> {
    let typed = secret(mail.password_stdin, "password")?;
    let mut config = json!({
        "smtp_host": mail.smtp_host, "smtp_port": mail.smtp_port, "tls": mail.tls, "from": mail.from,
        "imap_host": mail.imap_host, "imap_port": mail.imap_port, "username": mail.username,
    });
    if let Some(timeout_ms) = mail.timeout_ms {
        config["timeout_ms"] = json!(timeout_ms);
    }
    connect("mail", mail.name, config, typed, mail.oauth)
}

/* THE table: one row per setting. A new setting is a new row, a member of a
 * struct in config.h, and its place in bellpull.json; everything else (reading,
 * environment, defaults, hints, help, freeing) follows the row. */
#include "config/config_table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>

#include "config/config.h"

#define ROOT(member)     offsetof(struct gw_config, member)
#define LINE(member)     offsetof(struct gw_config_line, member)
#define KEY(member)      offsetof(struct gw_config_key, member)
#define RULE(member)     offsetof(struct gw_config_rule, member)
#define LIMIT(member)    offsetof(struct gw_config_limit, member)
#define HOOK(member)     offsetof(struct gw_config_hook, member)
#define ENDPOINT(member) offsetof(struct gw_config_endpoint, member)

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Order as in enum gw_config_transport, _level, _decline, _per and _window. */
#define TRANSPORTS WORDS("udp", "tcp", "tls")
#define LEVELS     WORDS("error", "warning", "info", "debug")
#define DECLINES   WORDS("busy", "failed")
#define PERS                                                              \
	WORDS("gateway", "project", "key", "line", "destination", "from", \
	      "pair", "client")
#define WINDOWS WORDS("at_once", "minute", "hour", "day")
#define PROFILES                                                            \
	WORDS("hubspot", "pipedrive", "zoho", "salesforce", "bitrix24",     \
	      "zendesk", "github", "stripe", "twilio", "standard-webhooks", \
	      "basic", "bearer")
#define DAYS    WORDS("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#define FORMATS WORDS("standard", "zoho", "bitrix24", "hubspot", "pipedrive")

#define CODECS                                                             \
	WORDS("opus", "G722", "PCMA", "PCMU", "GSM", "G726-16", "G726-24", \
	      "G726-32", "G726-40", "iLBC", "telephone-event")
#define SCOPES                                                                \
	WORDS("calls:create", "calls:read", "calls:read:own", "calls:hangup", \
	      "calls:control", "events:read", "lines:read", "lines:check",    \
	      "tokens:create", "metrics:read", "calls:erase", "hooks:admin",  \
	      "webhooks:admin", "admin")

/* clang-format off */
const struct gw_config_row gw_config_rows[] = {
/* HTTP ------------------------------------------------------------------- */
{ "/http/listen", GW_CONFIG_HTTP_LISTENS, ROOT(http.listen),
  .json_default = "[\"127.0.0.1:8080\"]",
  .help = "Where the API and the page are served: ADDRESS:PORT, an IPv6 address in "
	  "brackets. Anything but loopback needs a key under keys. Port 0 lets the "
	  "system choose." },
{ "/http/public_base_url", GW_CONFIG_STRING, ROOT(http.public_base_url),
  .nullable = true, .form = gw_form_base_url, .json_default = "null",
  .help = "How others reach this gateway, when a proxy stands in front of it: "
	  "https://calls.example.com. Links in answers begin with it." },
{ "/http/certificate", GW_CONFIG_STRING, ROOT(http.certificate),
  .nullable = true, .json_default = "null",
  .help = "PEM file with the certificate and its chain: HTTPS instead of HTTP." },
{ "/http/key", GW_CONFIG_STRING, ROOT(http.key),
  .nullable = true, .json_default = "null",
  .help = "PEM file with the private key of the certificate." },
{ "/http/cors_origins", GW_CONFIG_STRINGS, ROOT(http.cors_origins),
  .form = gw_form_origin, .json_default = "[]",
  .help = "Web sites whose scripts may use the API, exactly as browsers name them: "
	  "https://crm.example.com." },
{ "/http/trusted_proxies", GW_CONFIG_STRINGS, ROOT(http.trusted_proxies),
  .form = gw_form_network, .json_default = "[]",
  .help = "Addresses or networks (10.0.0.0/8) of reverse proxies whose "
	  "X-Forwarded-For, Forwarded and X-Request-Id are believed." },
{ "/http/frame_ancestors", GW_CONFIG_STRINGS, ROOT(http.frame_ancestors),
  .form = gw_form_origin, .json_default = "[]",
  .help = "Web sites that may show the page in a frame." },
{ "/http/heartbeat_s", GW_CONFIG_INT, ROOT(http.heartbeat_s),
  .min = 5, .max = 30, .json_default = "15",
  .help = "Seconds between the heartbeats of an event stream; less than the "
	  "patience of any proxy on the way." },
{ "/http/require_idempotency_key", GW_CONFIG_BOOL, ROOT(http.require_idempotency_key),
  .json_default = "false",
  .help = "Whether POST /calls without an Idempotency-Key is refused." },

/* SIP -------------------------------------------------------------------- */
{ "/sip/listen", GW_CONFIG_SIP_LISTENS, ROOT(sip.listen),
  .json_default = "[\"udp:auto:5060\", \"tcp:auto:5060\"]",
  .help = "Transports and where they are bound: udp, tcp or tls : ADDRESS : PORT. auto "
	  "is the local address from which the line's server is reached; 0.0.0.0 is not "
	  "possible. Port 0 lets the system choose, as it does for a line's transport that "
	  "isn't listed. While another program has a port that was set here, lines fail; the "
	  "default's port gives way to any other." },
{ "/sip/advertise", GW_CONFIG_STRING, ROOT(sip.advertise),
  .nullable = true, .form = gw_form_address, .json_default = "null",
  .help = "Public address to tell in SIP, when a NAT with fixed port forwarding stands "
	  "in front." },
{ "/sip/ca_file", GW_CONFIG_STRING, ROOT(sip.ca_file),
  .nullable = true, .json_default = "\"/etc/ssl/certs/ca-certificates.crt\"",
  .help = "PEM file with the authorities that vouch for SIP servers over TLS." },

/* Media ------------------------------------------------------------------ */
{ "/media/listen", GW_CONFIG_STRING, ROOT(media.listen),
  .form = gw_form_address, .json_default = "\"0.0.0.0\"",
  .help = "Local address of RTP. 0.0.0.0 is the address from which the line's server is "
	  "reached." },
{ "/media/advertise", GW_CONFIG_STRING, ROOT(media.advertise),
  .nullable = true, .form = gw_form_address, .json_default = "null",
  .help = "Public address to tell in SDP, when a NAT with fixed port forwarding stands "
	  "in front." },
{ "/media/browser_advertise", GW_CONFIG_STRINGS, ROOT(media.browser_advertise),
  .form = gw_form_address, .json_default = "[]",
  .help = "Addresses at which browsers find the ports of media.ports, the best one first; "
	  "the first eight count. Empty: media.advertise, or else media.listen, or else all "
	  "addresses of this machine." },
{ "/media/ports", GW_CONFIG_PORTS, ROOT(media.port_min),
  .json_default = "\"20000-40000\"",
  .help = "UDP ports of RTP and RTCP, lowest and highest: two for each leg. Open them in "
	  "the firewall." },
{ "/media/codecs", GW_CONFIG_STRINGS, ROOT(media.codecs), .words = CODECS, .min = 1,
  .json_default = "[\"opus\", \"G722\", \"PCMA\", \"PCMU\", \"GSM\", \"G726-16\", \"iLBC\"]",
  .help = "Codecs in the order they are offered, for lines without a list of their own. "
	  "telephone-event (key presses) goes last unless it stands in the list." },
{ "/media/sounds", GW_CONFIG_STRING, ROOT(media.sounds),
  .json_default = "\"sounds\"",
  .help = "Directory of the WAV files that announce and play name." },
{ "/media/recordings", GW_CONFIG_STRING, ROOT(media.recordings),
  .json_default = "\"recordings\"",
  .help = "Directory of the WAV files of recorded calls, made with mode 0700 when there is "
	  "one to write. They are deleted store.keep_days after they were written." },
{ "/media/recording_tone", GW_CONFIG_BOOL, ROOT(media.recording_tone),
  .json_default = "false",
  .help = "Whether both people hear a beep when recording starts. What the law of their "
	  "countries asks for is for you to know." },
{ "/media/stall_s", GW_CONFIG_INT, ROOT(media.stall_s), .min = 0, .max = 3600,
  .json_default = "30",
  .help = "Seconds without any sound or RTCP of a phone after which a call of two ends as "
	  "media_timeout; not while it is on hold. 0: never." },

/* Store and log ---------------------------------------------------------- */
{ "/store/url", GW_CONFIG_STRING, ROOT(store.url),
  .form = gw_form_store_url, .json_default = "\"sqlite:bellpull.db\"",
  .help = "Where calls and events are kept: sqlite:FILE." },
{ "/store/keep_days", GW_CONFIG_INT, ROOT(store.keep_days),
  .min = 1, .max = 36500, .json_default = "90",
  .help = "Days after which ended calls and their events are deleted." },
{ "/store/linger_ms", GW_CONFIG_INT, ROOT(store.linger_ms),
  .min = 0, .max = 100, .json_default = "0",
  .help = "Milliseconds that events wait for company before they are committed; a new "
	  "call doesn't. Above some 200 calls a second both wait for 5 at least." },
{ "/log/level", GW_CONFIG_ENUM, ROOT(log.level), .words = LEVELS,
  .json_default = "\"info\"",
  .help = "The least important lines that are still written." },
{ "/log/pii", GW_CONFIG_BOOL, ROOT(log.pii), .json_default = "false",
  .help = "Whether numbers of people are written out instead of being masked." },

/* General ---------------------------------------------------------------- */
{ "/country", GW_CONFIG_STRING, ROOT(country),
  .nullable = true, .form = gw_form_country, .json_default = "null",
  .help = "Country whose national numbers and tones are meant, two letters: DE." },
{ "/drain_s", GW_CONFIG_INT, ROOT(drain_s), .min = 0, .max = 86400,
  .json_default = "30",
  .help = "Seconds that running calls may go on after the order to stop." },
{ "/decline_status", GW_CONFIG_ENUM, ROOT(decline_status), .words = DECLINES,
  .json_default = "\"busy\"",
  .help = "Status of a call that was declined (SIP 603, 607, 608)." },
{ "/sandbox", GW_CONFIG_BOOL, ROOT(sandbox), .json_default = "false",
  .help = "A line called sandbox with simulated callees, in the process. On by itself "
	  "when there is neither a file nor a line." },
{ "/allow_inline", GW_CONFIG_BOOL, ROOT(allow_inline), .json_default = "false",
  .help = "Whether secrets may stand in this file as such. For tries, not for "
	  "machines that others can log in to." },

/* Lines ------------------------------------------------------------------ */
{ "/lines/N/name", GW_CONFIG_STRING, LINE(name),
  .nullable = true, .form = gw_form_name, .max = 64, .json_default = "null",
  .help = "What the API calls this line. null: its user." },
{ "/lines/N/display_name", GW_CONFIG_STRING, LINE(display_name),
  .nullable = true, .form = gw_form_shown_name, .max = 128, .json_default = "null",
  .help = "Name shown to those who are called." },
{ "/lines/N/user", GW_CONFIG_STRING, LINE(user),
  .form = gw_form_user, .max = 64,
  .help = "The extension or account: the part before the @ of its SIP address." },
{ "/lines/N/auth_user", GW_CONFIG_STRING, LINE(auth_user),
  .nullable = true, .form = gw_form_login, .max = 128, .json_default = "null",
  .help = "User name for the password, when it isn't user (also called auth id)." },
{ "/lines/N/password", GW_CONFIG_SECRET, LINE(password),
  .nullable = true, .min = 1, .json_default = "null",
  .help = "Password by reference: env:NAME, file:/path or credential:NAME. null: none, "
	  "for trunks that know us by our address." },
{ "/lines/N/domain", GW_CONFIG_STRING, LINE(domain),
  .form = gw_form_host,
  .help = "Host name or address of the PBX or provider: the part behind the @." },
{ "/lines/N/port", GW_CONFIG_PORT, LINE(port),
  .nullable = true, .min = 1, .max = 65535, .json_default = "null",
  .help = "Port of domain. null: what DNS says (SRV), else 5060, with TLS 5061." },
{ "/lines/N/register", GW_CONFIG_BOOL, LINE(do_register), .json_default = "true",
  .help = "Whether the line registers. Off it can still place calls." },
{ "/lines/N/transport", GW_CONFIG_ENUM, LINE(transport), .words = TRANSPORTS,
  .json_default = "\"udp\"",
  .help = "How the server is reached. tls verifies its certificate." },
{ "/lines/N/proxies", GW_CONFIG_STRINGS, LINE(proxies),
  .form = gw_form_proxy, .json_default = "[]",
  .help = "Outbound proxies, tried in this order: sip:proxy.example.com:5060." },
{ "/lines/N/expires", GW_CONFIG_INT, LINE(expires_s),
  .min = 10, .max = 86400, .json_default = "3600",
  .help = "Seconds a registration is asked for; the server may grant less." },
{ "/lines/N/session_expires", GW_CONFIG_INT, LINE(session_expires_s),
  .min = 0, .max = 86400, .json_default = "180",
  .help = "Seconds after which a call that nobody refreshes is dropped by the server, should "
	  "the gateway die (RFC 4028), and by the gateway, should the server. 0: off; less "
	  "than 90 is 90." },
{ "/lines/N/caller_id/number", GW_CONFIG_STRING, LINE(caller_id.number),
  .nullable = true, .form = gw_form_caller_id, .max = 64, .json_default = "null",
  .help = "Number shown to those who are called. null: user." },
{ "/lines/N/caller_id/name", GW_CONFIG_STRING, LINE(caller_id.name),
  .nullable = true, .form = gw_form_shown_name, .max = 128, .json_default = "null",
  .help = "Name shown with it. null: display_name." },
{ "/lines/N/caller_id/privacy", GW_CONFIG_BOOL, LINE(caller_id.privacy),
  .json_default = "false",
  .help = "Whether number and name are withheld." },
{ "/lines/N/caller_ids", GW_CONFIG_STRINGS, LINE(caller_ids),
  .form = gw_form_caller_id, .json_default = "[]",
  .help = "Other numbers that a call may show through this line." },
{ "/lines/N/identity_header", GW_CONFIG_WORD, LINE(identity_header),
  .words = WORDS("from", "pai", "rpi"), .json_default = "\"from\"",
  .help = "Header in which the provider looks for the number: From, "
	  "P-Asserted-Identity or Remote-Party-ID." },
{ "/lines/N/auto_answer", GW_CONFIG_WORD, LINE(auto_answer), .nullable = true,
  .words = WORDS("answer-mode", "call-info", "alert-info", "all",
		 "polycom", "yealink", "snom", "cisco", "grandstream",
		 "linphone", "asterisk"),
  .json_default = "null",
  .help = "How the phones of this line are told to answer by themselves when a call "
	  "asks for it: by their maker, or by the header: Answer-Mode (RFC 5373), "
	  "Call-Info, Alert-Info or all of them. A Polycom has to be told what its "
	  "\"Ring Answer\" means." },
{ "/lines/N/dial/strip", GW_CONFIG_STRING, LINE(dial.strip), .nullable = true,
  .form = gw_form_digits, .max = 16, .json_default = "null",
  .help = "Leading digits to take away from a number before it is dialled." },
{ "/lines/N/dial/prefix", GW_CONFIG_STRING, LINE(dial.prefix), .nullable = true,
  .form = gw_form_digits, .max = 16, .json_default = "null",
  .help = "Digits to put in front: 0 for an outside line." },
{ "/lines/N/dial/format", GW_CONFIG_WORD, LINE(dial.format),
  .words = WORDS("as_is", "e164", "e164_no_plus", "national"),
  .json_default = "\"as_is\"",
  .help = "How the server wants to be given numbers: as the call had them, +4930123456, "
	  "4930123456 or 030123456." },
{ "/lines/N/dial/feature_codes", GW_CONFIG_BOOL, LINE(dial.feature_codes),
  .json_default = "false",
  .help = "Whether * and # may be dialled: codes that change settings of the PBX." },
{ "/lines/N/country", GW_CONFIG_STRING, LINE(country), .nullable = true,
  .form = gw_form_country, .json_default = "null",
  .help = "Country of this line. null: the general one." },
{ "/lines/N/codecs", GW_CONFIG_STRINGS, LINE(codecs), .words = CODECS,
  .json_default = "[]",
  .help = "Codecs in the order they are offered. Empty: media.codecs." },
{ "/lines/N/srtp", GW_CONFIG_BOOL, LINE(srtp), .json_default = "false",
  .help = "Whether sound is encrypted (SRTP, keys in SDP): a phone that can't is not talked "
	  "to. Use transport tls with it, or the keys can be read on the way. Off, a phone "
	  "that offers it gets it." },
{ "/lines/N/nat", GW_CONFIG_BOOL, LINE(nat_auto),
  .words = WORDS("off", "auto"), .json_default = "\"auto\"",
  .help = "auto: when the server sees us under another address, register that one and "
	  "keep the way open." },
{ "/lines/N/max_calls", GW_CONFIG_INT, LINE(max_calls), .nullable = true,
  .min = 1, .max = 100000, .json_default = "null",
  .help = "Calls through this line at the same time. null: no limit of its own." },
{ "/lines/N/default", GW_CONFIG_BOOL, LINE(is_default), .json_default = "false",
  .help = "Whether this line is taken when a call names none. Else the first is." },

/* Keys ------------------------------------------------------------------- */
{ "/keys/N/name", GW_CONFIG_STRING, KEY(name), .nullable = true,
  .form = gw_form_name, .max = 64, .json_default = "null",
  .help = "What logs call this key. null: key-N." },
{ "/keys/N/secret", GW_CONFIG_SECRET, KEY(secret), .min = 16,
  .help = "The key itself by reference: env:NAME, file:/path or credential:NAME. At "
	  "least 16 characters; openssl rand -hex 24 makes a good one." },
{ "/keys/N/project", GW_CONFIG_STRING, KEY(project),
  .form = gw_form_name, .max = 64, .json_default = "\"default\"",
  .help = "Keys of one project see each other's calls, and no others." },
{ "/keys/N/scopes", GW_CONFIG_STRINGS, KEY(scopes), .words = SCOPES, .min = 1,
  .json_default = "[\"calls:create\", \"calls:read\", \"calls:hangup\", "
		  "\"calls:control\", \"events:read\", \"lines:read\"]",
  .help = "What the key may do. calls:control is what is done in a call (keys, hold, mute, "
	  "transfer, play, record), calls:read includes recordings. With calls:read:own "
	  "instead of calls:read the calls of other keys don't exist for it, whatever "
	  "else it may do. admin may do everything." },
{ "/keys/N/lines", GW_CONFIG_STRINGS, KEY(lines), .form = gw_form_name,
  .json_default = "[]",
  .help = "Names of the lines it may use. Empty: all." },
{ "/keys/N/caller_ids", GW_CONFIG_STRINGS, KEY(caller_ids),
  .form = gw_form_caller_id, .json_default = "[]",
  .help = "Numbers its calls may show, besides those of the line." },
{ "/keys/N/token_secret", GW_CONFIG_SECRET, KEY(token_secret), .nullable = true,
  .min = 32, .json_default = "null",
  .help = "Secret by reference with which your own server signs click tokens (HS256) in "
	  "this key's name. null: only POST /tokens makes them." },
{ "/keys/N/token_public_key", GW_CONFIG_SECRET, KEY(token_public_key), .nullable = true,
  .min = 32, .json_default = "null",
  .help = "The same for EdDSA: the PEM text of an Ed25519 public key, by reference. A key "
	  "has one of the two." },
{ "/keys/N/visitor_prefixes", GW_CONFIG_STRINGS, KEY(visitor_prefixes),
  .form = gw_form_prefix, .json_default = "[]",
  .help = "How the numbers begin that a visitor with a click token may give as his own, to "
	  "be called back: +49. Empty: none, a token places calls of one leg or from the "
	  "browser." },
{ "/keys/N/webhook_secret", GW_CONFIG_SECRET, KEY(webhook_secret), .nullable = true,
  .min = 24, .json_default = "null",
  .help = "Secret by reference that signs the callbacks of this key's calls: whsec_ and 24 "
	  "to 64 bytes in base64, or as many characters as they are. null: they are not "
	  "signed; those of /2010-04-01 by the key itself, as Twilio does." },
{ "/keys/N/callback_hosts", GW_CONFIG_STRINGS, KEY(callback_hosts), .form = gw_form_host,
  .json_default = "[]",
  .help = "Hosts that a call's status_callback may name. Empty: none." },
{ "/keys/N/from", GW_CONFIG_STRING, KEY(from), .nullable = true, .max = 256,
  .json_default = "null",
  .help = "Who is rung before To in calls of /2010-04-01 that have no Twiml: 853, as from of "
	  "POST /calls. null: such calls are refused." },

/* Policy ----------------------------------------------------------------- */
{ "/policy/countries", GW_CONFIG_STRINGS, ROOT(policy.countries),
  .form = gw_form_country, .json_default = "[]",
  .help = "Countries whose numbers may be dialled: DE. Premium, satellite and other dear "
	  "ranges stay shut, unless a rule opens just them." },
{ "/policy/hosts", GW_CONFIG_STRINGS, ROOT(policy.hosts),
  .form = gw_form_host, .json_default = "[]",
  .help = "Hosts to which SIP addresses may lead, besides the line's own domain." },
{ "/policy/own_domain", GW_CONFIG_BOOL, ROOT(policy.own_domain), .json_default = "true",
  .help = "Whether SIP addresses at the line's own domain may be dialled. Those whose "
	  "user is a number are numbers." },
{ "/policy/extension_min_digits", GW_CONFIG_INT, ROOT(policy.extension_min_digits),
  .min = 1, .max = 15, .json_default = "2",
  .help = "Fewest digits of an extension that may be dialled without a rule." },
{ "/policy/extension_max_digits", GW_CONFIG_INT, ROOT(policy.extension_max_digits),
  .min = 0, .max = 15, .json_default = "6",
  .help = "Most digits of one. 0: none may." },
{ "/policy/follow_redirects", GW_CONFIG_BOOL, ROOT(policy.follow_redirects),
  .json_default = "false",
  .help = "Whether a call goes where a 302 sends it, as far as that may be dialled. Off, "
	  "it ends as redirected. Where a phone transfers to must be allowed in the same "
	  "way." },

/* Rules ------------------------------------------------------------------ */
{ "/policy/rules/N/name", GW_CONFIG_STRING, RULE(name), .form = gw_form_name, .max = 64,
  .help = "What refusals, dry runs and the audit call this rule." },
{ "/policy/rules/N/action", GW_CONFIG_BOOL, RULE(deny), .words = WORDS("allow", "deny"),
  .json_default = "\"allow\"",
  .help = "What the rule says. Of all rules that fit, the one with the longest prefix "
	  "counts; of several, deny does." },
{ "/policy/rules/N/prefixes", GW_CONFIG_STRINGS, RULE(prefixes), .form = gw_form_prefix,
  .json_default = "[]",
  .help = "How normalised numbers begin: +4930, or 8 for what has no country. Empty, with "
	  "countries and hosts empty, too: every destination." },
{ "/policy/rules/N/countries", GW_CONFIG_STRINGS, RULE(countries),
  .form = gw_form_country, .json_default = "[]",
  .help = "The same by country: DE is +49." },
{ "/policy/rules/N/hosts", GW_CONFIG_STRINGS, RULE(hosts), .form = gw_form_host,
  .json_default = "[]",
  .help = "Hosts of SIP addresses." },
{ "/policy/rules/N/keys", GW_CONFIG_STRINGS, RULE(keys), .form = gw_form_key,
  .json_default = "[]",
  .help = "For these keys alone, or hooks: hook:NAME. Empty: for all." },
{ "/policy/rules/N/projects", GW_CONFIG_STRINGS, RULE(projects), .form = gw_form_name,
  .json_default = "[]",
  .help = "For the keys of these projects alone." },
{ "/policy/rules/N/lines", GW_CONFIG_STRINGS, RULE(lines), .form = gw_form_name,
  .json_default = "[]",
  .help = "For these lines alone. The sandbox knows only rules that name it." },
{ "/policy/rules/N/days", GW_CONFIG_STRINGS, RULE(days), .words = DAYS,
  .json_default = "[]",
  .help = "On these days alone, in local time." },
{ "/policy/rules/N/hours", GW_CONFIG_STRING, RULE(hours), .nullable = true,
  .form = gw_form_hours, .json_default = "null",
  .help = "In these hours alone, in local time: 08:00-18:00. 22:00-06:00 is a night; it "
	  "belongs to the day on which it begins." },
{ "/policy/rules/N/max_minutes", GW_CONFIG_INT, RULE(max_minutes), .nullable = true,
  .min = 1, .max = 1440, .json_default = "null",
  .help = "Minutes after which such a call is ended, whatever its time_limit says." },
{ "/policy/rules/N/cost", GW_CONFIG_INT, RULE(cost), .min = 0, .max = 1000000,
  .json_default = "0",
  .help = "What a minute costs, in thousandths of your coin: for limits that count cost." },

/* Limits of the policy ---------------------------------------------------- */
{ "/policy/limits/N/name", GW_CONFIG_STRING, LIMIT(name), .form = gw_form_name, .max = 64,
  .help = "What refusals, dry runs and the audit call this limit." },
{ "/policy/limits/N/per", GW_CONFIG_ENUM, LIMIT(per), .words = PERS,
  .json_default = "\"key\"",
  .help = "Whose calls are counted together: those of a key, a project, a line, to a "
	  "destination, from a number, between a pair, of an address that asks (client; of "
	  "IPv6 the network), or all (gateway)." },
{ "/policy/limits/N/window", GW_CONFIG_ENUM, LIMIT(window), .words = WINDOWS,
  .json_default = "\"day\"",
  .help = "Since when: since the full minute or hour, since midnight in local time; or "
	  "those that are up at_once." },
{ "/policy/limits/N/calls", GW_CONFIG_INT, LIMIT(calls), .nullable = true,
  .min = 1, .max = 100000000, .json_default = "null",
  .help = "So many calls." },
{ "/policy/limits/N/minutes", GW_CONFIG_INT, LIMIT(minutes), .nullable = true,
  .min = 1, .max = 100000000, .json_default = "null",
  .help = "So many minutes of talk." },
{ "/policy/limits/N/cost", GW_CONFIG_INT, LIMIT(cost), .nullable = true,
  .min = 1, .max = 2000000000, .json_default = "null",
  .help = "So much money, in thousandths of your coin: minutes times the cost of the rule "
	  "that allowed them." },
{ "/policy/limits/N/destinations", GW_CONFIG_INT, LIMIT(destinations), .nullable = true,
  .min = 1, .max = 10000, .json_default = "null",
  .help = "So many different destinations." },
{ "/policy/limits/N/neighbours", GW_CONFIG_INT, LIMIT(neighbours), .nullable = true,
  .min = 2, .max = 10000, .json_default = "null",
  .help = "So many numbers in a row of which each is the next of the last: somebody "
	  "scans." },
{ "/policy/limits/N/hard", GW_CONFIG_BOOL, LIMIT(hard), .json_default = "false",
  .help = "With minutes or cost: a call is given what is left and ended then, and what "
	  "it may take is set aside while it is up. Else the call that passes the limit is "
	  "the last one." },
{ "/policy/limits/N/keys", GW_CONFIG_STRINGS, LIMIT(keys), .form = gw_form_key,
  .json_default = "[]",
  .help = "For calls with these keys alone, or hooks: hook:NAME. Empty: for all." },
{ "/policy/limits/N/lines", GW_CONFIG_STRINGS, LIMIT(lines), .form = gw_form_name,
  .json_default = "[]",
  .help = "For calls through these lines alone." },

/* Hooks ------------------------------------------------------------------ */
{ "/hooks/NAME/profile", GW_CONFIG_WORD, HOOK(profile), .words = PROFILES,
  .help = "Whose way of signing its webhooks has. github, stripe, twilio and "
	  "standard-webhooks are also those of many others; basic and bearer ask for a "
	  "password or a key." },
{ "/hooks/NAME/enabled", GW_CONFIG_BOOL, HOOK(enabled), .json_default = "true",
  .help = "Off, it is answered with 410." },
{ "/hooks/NAME/secrets", GW_CONFIG_SECRETS, HOOK(secrets), .min = 8, .json_default = "[]",
  .help = "What it signs with or shows, by reference: env:NAME, file:/path or "
	  "credential:NAME. Each of them counts, so that they can be changed without a "
	  "gap. Of salesforce: the OrganizationIds." },
{ "/hooks/NAME/user", GW_CONFIG_STRING, HOOK(user), .nullable = true, .max = 128,
  .json_default = "null",
  .help = "User name, of basic and pipedrive." },
{ "/hooks/NAME/password", GW_CONFIG_SECRET, HOOK(password), .nullable = true, .min = 8,
  .json_default = "null",
  .help = "Password by reference, of basic and pipedrive." },
{ "/hooks/NAME/header", GW_CONFIG_STRING, HOOK(header), .nullable = true,
  .form = gw_form_header, .max = 64, .json_default = "null",
  .help = "Header that carries the secret of bearer, instead of Authorization, or that of "
	  "zoho, instead of the body's token: X-Api-Key." },
{ "/hooks/NAME/old_signatures", GW_CONFIG_BOOL, HOOK(old_signatures),
  .json_default = "false",
  .help = "Of hubspot: whether versions 1 and 2 of its signature count where version 3 is "
	  "not there. They have no time: the same body is a repetition as long as "
	  "replay_hours last, and new once more after that." },
{ "/hooks/NAME/sources", GW_CONFIG_STRINGS, HOOK(sources), .form = gw_form_network,
  .json_default = "[]",
  .help = "Addresses or networks that may send. Empty: all." },
{ "/hooks/NAME/mapping", GW_CONFIG_OBJECT, HOOK(mapping),
  .help = "The call, as POST /calls takes it, with ${/pointer} for what the webhook says: "
	  "{\"to\": \"${/contact/phone}\", \"from\": \"sip:853\"}. Filters stand behind the "
	  "pointer, each after a bar: trim, digits, e164:DE, lower, default:x and "
	  "lookup:table." },
{ "/hooks/NAME/when", GW_CONFIG_ARRAY, HOOK(when), .json_default = "[]",
  .help = "What has to hold, or no call is placed: {\"ptr\": \"/type\", \"equals\": "
	  "\"deal\"}; instead of equals also in (a list), exists (true or false) or "
	  "prefix." },
{ "/hooks/NAME/tables", GW_CONFIG_OBJECT, HOOK(tables), .json_default = "{}",
  .help = "Tables for lookup: {\"phones\": {\"ann@example.com\": \"sip:853\"}}." },
{ "/hooks/NAME/each", GW_CONFIG_STRING, HOOK(each), .nullable = true,
  .form = gw_form_pointer, .json_default = "null",
  .help = "Pointer to a list of at most 100, each of which is a call of its own; mapping, "
	  "when and dedupe look into it then. null: one call, of salesforce each "
	  "notification, of hubspot each event." },
{ "/hooks/NAME/dedupe", GW_CONFIG_STRING, HOOK(dedupe), .nullable = true,
  .form = gw_form_dedupe, .json_default = "null",
  .help = "By what a repetition is known: a pointer, or header:NAME. null: what the "
	  "profile has, else what was signed; where nothing was signed, the same body "
	  "within five minutes." },
{ "/hooks/NAME/replay_hours", GW_CONFIG_INT, HOOK(replay_hours), .min = 1, .max = 720,
  .json_default = "24",
  .help = "Hours for which a webhook is remembered: a repetition gets the first answer and "
	  "no call." },
{ "/hooks/NAME/on_reject", GW_CONFIG_INT, HOOK(on_reject), .min = 200, .max = 422,
  .json_default = "422",
  .help = "Status when the call is refused for good: 422, or 200 for CRMs that would "
	  "repeat it for days. The body says accepted: false and why." },
{ "/hooks/NAME/project", GW_CONFIG_STRING, HOOK(project), .form = gw_form_name, .max = 64,
  .json_default = "\"default\"",
  .help = "Keys of this project see its calls." },
{ "/hooks/NAME/lines", GW_CONFIG_STRINGS, HOOK(lines), .form = gw_form_name,
  .json_default = "[]",
  .help = "Names of the lines it may use. Empty: all." },
{ "/hooks/NAME/caller_ids", GW_CONFIG_STRINGS, HOOK(caller_ids),
  .form = gw_form_caller_id, .json_default = "[]",
  .help = "Numbers its calls may show, besides those of the line." },

/* Limits ----------------------------------------------------------------- */
{ "/limits/headers", GW_CONFIG_STRINGS, ROOT(limits.headers),
  .form = gw_form_header_pattern, .json_default = "[\"X-*\"]",
  .help = "SIP headers that a call may add; a * at the end stands for anything." },
{ "/limits/body_bytes", GW_CONFIG_INT, ROOT(limits.body_bytes),
  .min = 1024, .max = 1048576, .json_default = "65536",
  .help = "Size of a request's body." },
{ "/limits/calls", GW_CONFIG_INT, ROOT(limits.calls),
  .min = 1, .max = 100000, .json_default = "4000",
  .help = "Calls at the same time. Each takes two UDP ports and two open files for each "
	  "person." },
{ "/limits/calls_later", GW_CONFIG_INT, ROOT(limits.calls_later),
  .min = 0, .max = 1000000, .json_default = "10000",
  .help = "Calls that may wait for their time (not_before, window, retry)." },
{ "/limits/calls_later_per_key", GW_CONFIG_INT, ROOT(limits.calls_later_per_key),
  .min = 1, .max = 1000000, .json_default = "2000",
  .help = "Of one key: what goes beyond gets 429." },
{ "/limits/calls_per_s", GW_CONFIG_INT, ROOT(limits.calls_per_s),
  .min = 1, .max = 100000, .json_default = "1000",
  .help = "New calls per second with one key, on average." },
{ "/limits/requests_per_s", GW_CONFIG_INT, ROOT(limits.requests_per_s),
  .min = 1, .max = 1000000, .json_default = "5000",
  .help = "Requests per second with one key, on average." },
{ "/limits/streams", GW_CONFIG_INT, ROOT(limits.streams),
  .min = 1, .max = 1000000, .json_default = "10000",
  .help = "Event streams at the same time." },
{ "/limits/streams_per_key", GW_CONFIG_INT, ROOT(limits.streams_per_key),
  .min = 1, .max = 1000000, .json_default = "2000",
  .help = "Event streams at the same time with one key." },
{ "/limits/connections", GW_CONFIG_INT, ROOT(limits.connections),
  .min = 16, .max = 1000000, .json_default = "16384",
  .help = "HTTP connections at the same time; never more than the open files allow." },
{ "/limits/connections_per_ip", GW_CONFIG_INT, ROOT(limits.connections_per_ip),
  .nullable = true, .min = 1, .max = 1000000, .json_default = "null",
  .help = "HTTP connections at the same time from one address. null: no limit. A "
	  "reverse proxy is one address, too." },
{ "/limits/idempotency_hours", GW_CONFIG_INT, ROOT(limits.idempotency_hours),
  .min = 1, .max = 720, .json_default = "24",
  .help = "Hours for which an Idempotency-Key is remembered." },

/* Webhooks ---------------------------------------------------------------- */
{ "/webhooks/allow_http", GW_CONFIG_BOOL, ROOT(webhooks.allow_http), .json_default = "false",
  .help = "Whether http:// may be told, too. What is told can be read on the way then." },
{ "/webhooks/allow_targets", GW_CONFIG_STRINGS, ROOT(webhooks.allow_targets),
  .form = gw_form_network, .json_default = "[]",
  .help = "Addresses or networks that are told although they are loopback, private or "
	  "otherwise not of the Internet: 10.1.2.0/24. Any port may be asked there; "
	  "elsewhere 443 alone, and 80 with allow_http." },
{ "/webhooks/schedule", GW_CONFIG_INTS, ROOT(webhooks.schedule), .min = 1, .max = 86400,
  .json_default = "[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]",
  .help = "Seconds before each further try of a delivery that failed, a fifth more or less. "
	  "After the last one it is dead, and kept to be replayed." },
{ "/webhooks/max_waiting", GW_CONFIG_INT, ROOT(webhooks.max_waiting),
  .min = 100, .max = 1000000, .json_default = "100000",
  .help = "Deliveries that may wait. Above it new calls are refused, so that none has to be "
	  "dropped." },
{ "/webhooks/endpoints/N/name", GW_CONFIG_STRING, ENDPOINT(name),
  .form = gw_form_name, .max = 64,
  .help = "What the API and the log call this endpoint. Its deliveries go by this name." },
{ "/webhooks/endpoints/N/url", GW_CONFIG_STRING, ENDPOINT(url),
  .form = gw_form_webhook_url, .max = 2048,
  .help = "Where events are posted: https://crm.example.com/hook." },
{ "/webhooks/endpoints/N/secrets", GW_CONFIG_SECRETS, ENDPOINT(secrets), .min = 24,
  .json_default = "[]",
  .help = "Secrets by reference that sign each delivery: whsec_ and 24 to 64 bytes in "
	  "base64, or whsk_ and an Ed25519 seed. Each adds a signature, so that one can take "
	  "another's place. Empty: not signed." },
{ "/webhooks/endpoints/N/events", GW_CONFIG_STRINGS, ENDPOINT(events),
  .form = gw_form_event, .json_default = "[]",
  .help = "Types of the events it is told: call.ended, or call.* for all that begin so. "
	  "Empty: all." },
{ "/webhooks/endpoints/N/ordering", GW_CONFIG_BOOL, ENDPOINT(unordered),
  .words = WORDS("call", "none"), .json_default = "\"call\"",
  .help = "call: an event waits until the one before it of the same call is delivered or "
	  "dead. none: nothing waits." },
{ "/webhooks/endpoints/N/format", GW_CONFIG_ENUM, ENDPOINT(format),
  .words = FORMATS, .json_default = "\"standard\"",
  .help = "standard: events as they are. A CRM's name: what it wants to be told of a call "
	  "that has ended (zoho: of its ringing and answer, too), and nothing else." },
{ "/webhooks/endpoints/N/header/name", GW_CONFIG_STRING, ENDPOINT(header_name),
  .nullable = true, .form = gw_form_webhook_header, .max = 64, .json_default = "null",
  .help = "A header of the other side's own, like Authorization." },
{ "/webhooks/endpoints/N/header/value", GW_CONFIG_SECRET, ENDPOINT(header_value),
  .nullable = true, .min = 1, .json_default = "null",
  .help = "Its value, a secret by reference." },
{ "/webhooks/endpoints/N/ca_file", GW_CONFIG_STRING, ENDPOINT(ca_file),
  .nullable = true, .json_default = "null",
  .help = "PEM file with the authorities that vouch for its certificate. null: those of the "
	  "system." },
};
/* clang-format on */

const size_t gw_config_row_count = ARRAY_SIZE(gw_config_rows);

const struct gw_config_row *gw_config_row_next(const struct gw_config_row *row,
					       const char *prefix)
{
	size_t i = row ? (size_t)(row - gw_config_rows) + 1 : 0;

	for (; i < gw_config_row_count; i++) {
		if (!strncmp(gw_config_rows[i].pointer, prefix, strlen(prefix)))
			return &gw_config_rows[i];
	}

	return NULL;
}

void gw_config_variable(char *buf, size_t size, const char *pointer)
{
	int len =
		snprintf(buf, size, "BELLPULL_%s", pointer + (*pointer == '/'));
	char *c;

	(void)len;
	for (c = buf; *c; c++)
		*c = *c == '/' ? '_' : (char)toupper((unsigned char)*c);
}

bool gw_config_setting(struct gw_config_setting *setting, size_t i)
{
	if (i >= gw_config_row_count)
		return false;

	setting->pointer = gw_config_rows[i].pointer;
	setting->json_default = gw_config_rows[i].json_default;
	setting->help = gw_config_rows[i].help;
	return true;
}

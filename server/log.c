/* The log: see log.h.
 *
 * A record is built in a buffer of its own on the stack and leaves in one
 * write() of at most PIPE_BUF bytes, so that records of several threads don't
 * mix, in a pipe neither. Whether the write would block is asked before: the fd
 * may be a terminal shared with a shell, so O_NONBLOCK isn't ours to set. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "server/log.h"

enum {
	RECORD_MAX = PIPE_BUF,
	VALUE_MAX = 1024,
};

static struct {
	atomic_int level;
	_Atomic(uint64_t) dropped, told_dropped;
	enum gw_log_level configured;
	int fd;
	bool json;
	atomic_bool pii;
} log_ = {
	.level = GW_LOG_INFO,
	.configured = GW_LOG_INFO,
	.fd = STDERR_FILENO,
};

static const char *const level_names[] = {
	[GW_LOG_ERROR] = "error",
	[GW_LOG_WARNING] = "warning",
	[GW_LOG_INFO] = "info",
	[GW_LOG_DEBUG] = "debug",
};

/* What is written; full: the rest is left out, the closing kept room for. */
struct record {
	char text[RECORD_MAX];
	size_t len;
};

void gw_log_open(const struct gw_log_cfg *cfg)
{
	log_.fd = cfg->fd;
	atomic_store(&log_.pii, cfg->pii);
	log_.json = cfg->format == GW_LOG_JSON ||
		    (cfg->format == GW_LOG_AUTO && !isatty(cfg->fd));
	log_.configured = cfg->level;
	atomic_store(&log_.level, (int)cfg->level);
}

void gw_log_set_level(enum gw_log_level level)
{
	log_.configured = level;
	atomic_store(&log_.level, (int)level);
}

enum gw_log_level gw_log_level(void)
{
	return (enum gw_log_level)atomic_load_explicit(&log_.level,
						       memory_order_relaxed);
}

void gw_log_cycle(void)
{
	const bool on = gw_log_level() == GW_LOG_DEBUG;

	atomic_store(&log_.level, on && log_.configured != GW_LOG_DEBUG ?
					  (int)log_.configured :
				  on ? (int)GW_LOG_INFO :
				       (int)GW_LOG_DEBUG);
}

uint64_t gw_log_dropped(void)
{
	return atomic_load(&log_.dropped);
}

/* What must not be read. -------------------------------------------------- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Length of a JWT at s: three words of base64url, the first one JSON. */
static size_t jwt_len(const char *s)
{
	size_t n = 0;

	if (strncmp(s, "eyJ", 3) != 0)
		return 0;

	for (int part = 0; part < 3; part++) {
		const size_t from = n;

		while (is_word(s[n]))
			n++;
		if (n == from)
			return 0;
		if (part < 2 && s[n++] != '.')
			return 0;
	}

	return n;
}

/* How much of s is a key by its prefix. */
static size_t key_len(const char *s)
{
	static const char *const prefixes[] = { "bellpull_", "bp_", "whsec_",
						"whsk_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t n = strlen(prefixes[i]);

		if (strncmp(s, prefixes[i], n) != 0)
			continue;
		while (is_word(s[n]) || s[n] == '+' || s[n] == '/' ||
		       s[n] == '=')
			n++;
		return n;
	}

	return 0;
}

static const struct named {
	const char *name;  /* what stands before the secret      */
	const char *stops; /* what ends it                       */
} named[] = {
	{ "authorization:", "\r\n" }, { "authorization\":\"", "\"" },
	{ "set-cookie:", "\r\n" },    { "cookie:", "\r\n" },
	{ "bearer ", " \r\n\"" },     { "bellpull_session=", "; \r\n\"" },
	{ "response=\"", "\"" },      { "response=", ", \r\n" },
	{ "cnonce=\"", "\"" },        { "ticket=", "& \r\n\"" },
	{ "password=", "& \r\n\"" },  { "password\":\"", "\"" },
	{ "signature:", "\r\n" },     { "signature-256:", "\r\n" },
	{ "x-api-key:", "\r\n" },     { "secret\":\"", "\"" },
	{ "token\":\"", "\"" },       { "key\":\"", "\"" },
	{ "secret=", "& \r\n\"" },    { "token=", "& \r\n\"" },
};

/* Length of the name at s before a secret, and of the secret. */
static size_t named_len(const char *s, size_t *secretp)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		const size_t n = strlen(named[i].name);

		if (strncasecmp(s, named[i].name, n) != 0)
			continue;
		*secretp = strcspn(s + n, named[i].stops);
		return n;
	}

	return 0;
}

struct out {
	char *buf;
	size_t size, len;
};

static void put(struct out *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len && out->len + 1 < out->size; i++)
		out->buf[out->len++] = s[i];
}

void gw_log_redact(char *buf, size_t size, const char *text)
{
	struct out out = { buf, size, 0 };
	bool inside = false; /* a word: a prefix in its middle is none */

	if (!size)
		return;

	while (*text && out.len + 1 < size) {
		size_t secret = 0, name = 0;

		if (!inside) {
			name = named_len(text, &secret);
			if (!name)
				secret = key_len(text);
			if (!name && !secret)
				secret = jwt_len(text);
		}

		if (name || secret) {
			put(&out, text, name);
			put(&out, "***", secret ? 3 : 0);
			text += name + secret;
			inside = false;
			continue;
		}
		inside = *text != '-' && is_word(*text);
		put(&out, text++, 1);
	}

	buf[out.len] = '\0';
}

/* The first four and the last two digits say enough to find a call. */
void gw_log_mask(char *buf, size_t size, const char *number)
{
	const char *const colon = strchr(number, ':');
	const char *const from = colon ? colon + 1 : number;
	const size_t user = strcspn(from, "@;");
	struct out out = { buf, size, 0 };
	size_t digits = 0, seen = 0;

	if (!size)
		return;

	for (size_t i = 0; i < user; i++)
		digits += isdigit((unsigned char)from[i]) != 0;

	put(&out, number, (size_t)(from - number));
	for (size_t i = 0; i < user; i++) {
		const bool digit = isdigit((unsigned char)from[i]);
		const bool shown = digits < 5 ? false :
				   digits < 8 ? seen >= digits - 2 :
						seen < 4 || seen >= digits - 2;

		put(&out, digit && !shown ? "*" : &from[i], 1);
		seen += digit;
	}
	put(&out, from + user, strlen(from + user));

	buf[out.len] = '\0';
}

/* Records. ---------------------------------------------------------------- */

static void add(struct record *r, const char *s, size_t len)
{
	/* two bytes are kept for the closing brace and the line's end */
	if (r->len + len + 2 > sizeof(r->text))
		len = sizeof(r->text) - 2 - r->len;
	memcpy(r->text + r->len, s, len);
	r->len += len;
}

static void add_str(struct record *r, const char *s)
{
	add(r, s, strlen(s));
}

/* Length of the character at s (RFC 3629 4); 0: it is none. */
static size_t utf8_len(const unsigned char *s)
{
	const size_t n = s[0] < 0x80 ? 1 :
			 s[0] < 0xc2 ? 0 :
			 s[0] < 0xe0 ? 2 :
			 s[0] < 0xf0 ? 3 :
			 s[0] < 0xf5 ? 4 :
				       0;

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;

	return n;
}

/* One character at s, escaped into text[] (6 bytes at most). */
static size_t escape(char *text, const unsigned char *s, size_t len)
{
	if (!len)
		return (size_t)snprintf(text, 7, "\\ufffd");
	if (s[0] == '"' || s[0] == '\\')
		return (size_t)snprintf(text, 7, "\\%c", s[0]);
	if (s[0] < 0x20 || s[0] == 0x7f)
		return (size_t)snprintf(text, 7, "\\u%04x", s[0]);
	/* C1: to a terminal these are commands, too */
	if (s[0] == 0xc2 && s[1] < 0xa0)
		return (size_t)snprintf(text, 7, "\\u%04x", s[1]);

	memcpy(text, s, len);
	return len;
}

/* Quoted and escaped as JSON, which logfmt readers understand, too. A value
 * is added whole or not at all: a cut escape would spoil the line. */
static void add_quoted(struct record *r, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	char text[6 * VALUE_MAX + 3];
	size_t n = 0;

	text[n++] = '"';
	while (*s && n < sizeof(text) - 8) {
		const size_t len = utf8_len(s);

		n += escape(text + n, s, len);
		s += len ? len : 1;
	}
	text[n++] = '"';

	if (r->len + n + 2 > sizeof(r->text))
		add_str(r, "\"...\"");
	else
		add(r, text, n);
}

static bool is_plain(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s <= ' ' || *s >= 0x7f || *s == '"' || *s == '=' ||
		    *s == '\\')
			return false;
	}

	return true;
}

static void add_value(struct record *r, const char *value)
{
	if (!log_.json && is_plain(value))
		add_str(r, value);
	else
		add_quoted(r, value);
}

static void add_name(struct record *r, const char *name)
{
	if (log_.json) {
		add_str(r, ",\"");
		add_str(r, name);
		add_str(r, "\":");
	} else {
		add_str(r, " ");
		add_str(r, name);
		add_str(r, "=");
	}
}

static void add_text(struct record *r, const char *text)
{
	char clean[VALUE_MAX];

	gw_log_redact(clean, sizeof(clean), text);
	add_value(r, clean);
}

static void add_number(struct record *r, const char *number)
{
	char masked[256];

	if (atomic_load_explicit(&log_.pii, memory_order_relaxed)) {
		add_text(r, number);
		return;
	}
	gw_log_mask(masked, sizeof(masked), number);
	add_value(r, masked);
}

static void add_int(struct record *r, int64_t num)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)num);
	add_str(r, text);
}

static void add_field(struct record *r, const struct gw_log_field *f)
{
	char text[128];

	if ((f->kind == GW_LOG_STR || f->kind == GW_LOG_NUMBER) && !f->str)
		return;

	add_name(r, f->name);
	switch (f->kind) {
	case GW_LOG_STR:
		add_text(r, f->str);
		break;
	case GW_LOG_NUMBER:
		add_number(r, f->str);
		break;
	case GW_LOG_INT:
		add_int(r, f->num);
		break;
	case GW_LOG_BOOL:
		add_str(r, f->num ? "true" : "false");
		break;
	case GW_LOG_ERRNO:
		add_value(r, strerror_r((int)f->num, text, sizeof(text)));
		break;
	case GW_LOG_END:
		break;
	}
}

static void add_time(struct record *r)
{
	struct timespec now;
	struct tm tm;
	char text[40];
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + n, sizeof(text) - n, ".%03ldZ",
		       now.tv_nsec / 1000000);
	add_str(r, text);
}

static void add_head(struct record *r, enum gw_log_level level,
		     const char *event)
{
	if (log_.json)
		add_str(r, "{\"ts\":\"");
	add_time(r);
	add_str(r, log_.json ? "\",\"level\":\"" : " ");
	add_str(r, level_names[level]);
	add_str(r, log_.json ? "\",\"event\":\"" : " ");
	add_str(r, event);
	if (log_.json)
		add_str(r, "\"");
}

static bool has_room(void)
{
	struct pollfd pfd = { .fd = log_.fd, .events = POLLOUT };

	/* a pipe says so when PIPE_BUF bytes fit; a file always */
	return poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLOUT);
}

static void emit(struct record *r)
{
	if (log_.json)
		r->text[r->len++] = '}';
	r->text[r->len++] = '\n';

	if (!has_room() || write(log_.fd, r->text, r->len) != (ssize_t)r->len)
		atomic_fetch_add(&log_.dropped, 1);
}

/* Once there is room again: how many are missing. */
static void tell_dropped(void)
{
	const uint64_t dropped = atomic_load(&log_.dropped);
	const uint64_t told = atomic_exchange(&log_.told_dropped, dropped);
	const struct gw_log_field f = GW_F_INT("records", dropped - told);
	struct record r = { .len = 0 };

	if (dropped == told)
		return;
	if (!has_room()) {
		atomic_store(&log_.told_dropped, told);
		return;
	}

	add_head(&r, GW_LOG_WARNING, "log.dropped");
	add_field(&r, &f);
	emit(&r);
}

void gw_log_write(enum gw_log_level level, const char *event,
		  const struct gw_log_field *fields)
{
	struct record r;

	tell_dropped();

	r.len = 0;
	add_head(&r, level, event);
	for (; fields->kind != GW_LOG_END; fields++)
		add_field(&r, fields);
	emit(&r);
}

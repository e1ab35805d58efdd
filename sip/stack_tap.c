/* sip/stack_tap.c - shows each message of a Call-ID to whoever has tapped it.
 *
 * Every message of the process comes by here, and most calls are tapped: so the
 * text is read once, for its Call-ID and for what must not be shown. Credentials
 * never reach a tap; where they can't be cut out, nothing does. */
#include "sip/stack_impl.h"

#include <errno.h>
#include <string.h>

/* Credentials and keys in one message: phones offer up to eight keys a stream. */
enum { SECRETS_MAX = 32 };

struct gw_stack_tap {
	struct le he;
	char *call_id;
	gw_stack_tap_h *h;
	void *arg;
};

static void tap_destructor(void *arg)
{
	struct gw_stack_tap *tap = arg;

	hash_unlink(&tap->he);
	mem_deref(tap->call_id);
}

int gw_stack_tap(struct gw_stack_tap **tapp, struct gw_stack *stack,
		 const char *call_id, gw_stack_tap_h *h, void *arg)
{
	struct gw_stack_tap *tap;
	int err;

	if (!tapp || !stack || !call_id || !h)
		return EINVAL;

	tap = mem_zalloc(sizeof(*tap), tap_destructor);
	if (!tap)
		return ENOMEM;

	err = str_dup(&tap->call_id, call_id);
	if (err) {
		mem_deref(tap);
		return err;
	}

	tap->h = h;
	tap->arg = arg;
	hash_append(stack->taps, hash_joaat_str(call_id), &tap->he, tap);
	*tapp = tap;
	return 0;
}

/* Reading and redacting --------------------------------------------------- */

/* What the tap has to know of a message: read in one pass over its header. */
struct skimmed {
	struct pl call_id;
	struct pl secrets[SECRETS_MAX]; /* in the order of the text */
	size_t secret_count;
	bool too_many_secrets;
};

/* The value of a header line if it is called name (or its compact form). */
static bool value_of(struct pl *value, const struct pl *line, const char *name,
		     char compact)
{
	size_t len = strlen(name);
	const char *p = line->p, *end = line->p + line->l;

	if (line->l > len && 0 == strncasecmp(p, name, len))
		p += len;
	else if (compact && (*p | 0x20) == compact)
		p += 1;
	else
		return false;

	while (p < end && (*p == ' ' || *p == '\t'))
		++p;
	if (p == end || *p != ':')
		return false;
	++p;
	while (p < end && (*p == ' ' || *p == '\t'))
		++p;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		--end;

	value->p = p;
	value->l = (size_t)(end - p);
	return true;
}

/* One header line with the lines it is folded over, without the last CRLF.
 * Returns where the next one starts, NULL at the end of the header. */
static const char *next_line(struct pl *line, const char *p, const char *end)
{
	const char *eol = p;

	do {
		eol = memchr(eol, '\n', (size_t)(end - eol));
		if (!eol)
			return NULL;
		++eol;
	} while (eol < end && (*eol == ' ' || *eol == '\t'));

	line->p = p;
	line->l = (size_t)(eol - 1 - p);
	if (line->l && p[line->l - 1] == '\r')
		--line->l;

	return line->l ? eol : NULL;
}

static void add_secret(struct skimmed *skimmed, const struct pl *secret)
{
	if (skimmed->secret_count < SECRETS_MAX)
		skimmed->secrets[skimmed->secret_count++] = *secret;
	else
		skimmed->too_many_secrets = true;
}

/* Keys of SRTP (RFC 4568): all that follows "inline:" on a line of the body. Whether
 * we could use such a key doesn't matter: it is one. */
static void skim_keys(struct skimmed *skimmed, const char *body,
		      const char *end)
{
	static const char mark[] = "inline";
	const ptrdiff_t len = sizeof(mark) - 1;
	const char *p = body;

	while (p < end && (p = memchr(p, ':', (size_t)(end - p)))) {
		const char *start = ++p;
		struct pl key;

		if (start - 1 - body < len ||
		    strncasecmp(start - 1 - len, mark, (size_t)len))
			continue;

		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			p = end;
		key.p = start;
		key.l = (size_t)(p - start);
		if (key.l && p[-1] == '\r')
			--key.l;
		add_secret(skimmed, &key);
	}
}

static void skim(struct skimmed *skimmed, const char *text, size_t len)
{
	const char *p = text, *end = text + len, *rest = text;
	struct pl line, value;

	skimmed->call_id = pl_null;
	skimmed->secret_count = 0;
	skimmed->too_many_secrets = false;

	while ((p = next_line(&line, p, end))) {
		rest = p;
		if (value_of(&value, &line, "Call-ID", 'i')) {
			skimmed->call_id = value;
			continue;
		}

		if (!value_of(&value, &line, "Authorization", 0) &&
		    !value_of(&value, &line, "Proxy-Authorization", 0))
			continue;

		add_secret(skimmed, &value);
	}
	skim_keys(skimmed, rest, end);
}

static int redact(struct mbuf *mb, const char *text, size_t len,
		  const struct skimmed *skimmed)
{
	const char *p = text;
	int err = 0;

	if (skimmed->too_many_secrets)
		return EOVERFLOW;

	mbuf_rewind(mb);
	for (size_t i = 0; i < skimmed->secret_count; i++) {
		const struct pl *secret = &skimmed->secrets[i];

		err |= mbuf_write_mem(mb, (const uint8_t *)p,
				      (size_t)(secret->p - p));
		err |= mbuf_write_str(mb, "***");
		p = secret->p + secret->l;
	}
	err |= mbuf_write_mem(mb, (const uint8_t *)p, (size_t)(text + len - p));

	return err;
}

/* libre's trace: every message as it leaves or comes, in one piece. */
void gw_stack_trace(bool tx, enum sip_transp tp, const struct sa *src,
		    const struct sa *dst, const uint8_t *pkt, size_t len,
		    void *arg)
{
	const struct gw_stack_endpoint *ep = arg;
	struct gw_stack *stack = ep->stack;
	const char *text = (const char *)pkt;
	struct skimmed skimmed;
	bool redacted = false;
	struct le *le;
	(void)tp;
	(void)src;
	(void)dst;

	skim(&skimmed, text, len);
	if (!skimmed.call_id.p)
		return;

	le = list_head(hash_list(stack->taps, hash_joaat_pl(&skimmed.call_id)));
	while (le) {
		const struct gw_stack_tap *tap = le->data;

		le = le->next;
		if (pl_strcmp(&skimmed.call_id, tap->call_id))
			continue;

		if (skimmed.secret_count && !redacted) {
			/* rather nothing than a secret */
			if (redact(stack->scratch, text, len, &skimmed))
				return;
			text = (const char *)stack->scratch->buf;
			len = stack->scratch->end;
			redacted = true;
		}
		tap->h(tx, text, len, tap->arg);
	}
}

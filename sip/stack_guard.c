/* sip/stack_guard.c - is this a SIP message at all, and one of a size that is
 * worth a parser's time? See stack_guard.h. */
#include "sip/stack_guard.h"

#include <string.h>
#include <strings.h>

enum single { FROM, TO, CALL_ID, CSEQ, LENGTH, TYPE, VIA, SINGLES };

/* What libre reads with regular expressions, and what may be there once. */
static const struct known {
	const char *name;
	char compact;
	size_t max;
	bool once;
} known[SINGLES] = {
	/* clang-format off */
	[FROM]    = { "From",           'f', GW_GUARD_ADDRESS_MAX, true  },
	[TO]      = { "To",             't', GW_GUARD_ADDRESS_MAX, true  },
	[CALL_ID] = { "Call-ID",        'i', 256,                  true  },
	[CSEQ]    = { "CSeq",           0,   64,                   true  },
	[LENGTH]  = { "Content-Length", 'l', 64,                   true  },
	[TYPE]    = { "Content-Type",   'c', 256,                  true  },
	[VIA]     = { "Via",            'v', GW_GUARD_ADDRESS_MAX, false },
	/* clang-format on */
};

struct look {
	const char *p, *end; /* what is left of the text */
	unsigned lines, commas;
	unsigned seen[SINGLES];
	uint64_t length; /* of the body, as the header says */
	struct gw_guard_facts *facts;
};

/* Characters ---------------------------------------------------------------- */

static bool is_token(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char c = p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= 'a' && c <= 'z') && (!c || !strchr("-.!%*_+`'~", c)))
			return false;
	}

	return len > 0;
}

static bool is_text(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}

	return true;
}

/* Digits alone, and no more than max. */
static bool read_number(uint64_t *np, const struct pl *text, uint64_t max)
{
	uint64_t n = 0;

	if (!text->l || text->l > 10)
		return false;

	for (size_t i = 0; i < text->l; i++) {
		if (text->p[i] < '0' || text->p[i] > '9')
			return false;
		n = 10 * n + (uint64_t)(text->p[i] - '0');
	}

	*np = n;
	return n <= max;
}

/* Lines --------------------------------------------------------------------- */

/* The next line and those it is folded over, without its end. As libre has it: a
 * line ends with LF, and CR before it belongs to the end. */
static enum gw_guard_verdict next_line(struct pl *line, struct look *look,
				       size_t max)
{
	const char *p = look->p;

	for (;; ++p) {
		p = memchr(p, '\n', (size_t)(look->end - p));
		if (!p)
			return (size_t)(look->end - look->p) > max ?
				       GW_GUARD_DROP :
				       GW_GUARD_MORE;
		if ((size_t)(p - look->p) > max)
			return GW_GUARD_DROP;
		if (p == look->p || (p == look->p + 1 && *look->p == '\r'))
			break; /* empty: nothing is folded onto that */
		if (p + 1 == look->end)
			return GW_GUARD_MORE;
		if (p[1] != ' ' && p[1] != '\t')
			break;
	}

	line->p = look->p;
	line->l = (size_t)(p - look->p);
	if (line->l && line->p[line->l - 1] == '\r')
		--line->l;
	look->p = p + 1;
	return GW_GUARD_PASS;
}

/* Folded lines: each piece by itself. */
static bool is_text_folded(const char *p, const char *end)
{
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((eol ? eol : end) - p);

		if (eol && len && p[len - 1] == '\r')
			--len;
		if (!is_text(p, len))
			return false;
		p = eol ? eol + 1 : end;
	}

	return true;
}

static void trim(struct pl *text)
{
	while (text->l && strchr(" \t\r\n", text->p[0])) {
		++text->p;
		--text->l;
	}
	while (text->l && strchr(" \t\r\n", text->p[text->l - 1]))
		--text->l;
}

/* The start line ------------------------------------------------------------ */

static bool is_status_line(const struct pl *line)
{
	const char *p = line->p;

	return line->l >= 12 && !memcmp(p, "SIP/2.0 ", 8) && p[8] >= '1' &&
	       p[8] <= '6' && p[9] >= '0' && p[9] <= '9' && p[10] >= '0' &&
	       p[10] <= '9' && p[11] == ' ';
}

static bool is_request_line(const struct pl *line)
{
	static const char version[] = " SIP/2.0";
	const size_t version_len = sizeof(version) - 1;
	const char *uri = memchr(line->p, ' ', line->l);
	struct pl rest;

	if (!uri || !is_token(line->p, (size_t)(uri - line->p)))
		return false;

	rest.p = uri + 1;
	rest.l = line->l - (size_t)(rest.p - line->p);
	if (rest.l <= version_len)
		return false;
	rest.l -= version_len;

	return !memcmp(rest.p + rest.l, version, version_len) &&
	       !memchr(rest.p, ' ', rest.l) && !memchr(rest.p, '\t', rest.l);
}

static enum gw_guard_verdict start_line(struct look *look)
{
	enum gw_guard_verdict verdict;
	struct pl line;

	verdict = next_line(&line, look, GW_GUARD_START_MAX);
	if (verdict != GW_GUARD_PASS)
		return verdict;
	if (!is_text(line.p, line.l))
		return GW_GUARD_DROP;

	look->facts->is_request = !is_status_line(&line);
	if (look->facts->is_request && !is_request_line(&line))
		return GW_GUARD_DROP;

	return GW_GUARD_PASS;
}

/* The header ---------------------------------------------------------------- */

static bool is_named(const struct pl *name, const struct known *header)
{
	if (name->l == 1)
		return header->compact &&
		       (name->p[0] | 0x20) == header->compact;

	return !pl_strcasecmp(name, header->name);
}

/* RFC 3261 8.1.1.5: a number below 2^31, and what follows is the method. */
static bool has_number(const struct pl *cseq)
{
	struct pl digits = *cseq;
	uint64_t n;

	for (digits.l = 0; digits.l < cseq->l; digits.l++) {
		if (strchr(" \t\r\n", cseq->p[digits.l]))
			break;
	}

	return read_number(&n, &digits, INT32_MAX);
}

static bool take_known(struct look *look, enum single which, size_t line_len,
		       const struct pl *value)
{
	if (line_len > known[which].max)
		return false;
	if (++look->seen[which] > 1 && known[which].once)
		return false;

	switch (which) {
	case CALL_ID:
		look->facts->call_id = *value;
		return true;

	case LENGTH:
		return read_number(&look->length, value, GW_GUARD_MESSAGE_MAX);

	case CSEQ:
		return has_number(value);

	default:
		return true;
	}
}

static unsigned count_commas(const struct pl *value)
{
	unsigned n = 0;

	for (size_t i = 0; i < value->l; i++)
		n += value->p[i] == ',';

	return n;
}

static bool take_header(struct look *look, const struct pl *line)
{
	const char *colon = memchr(line->p, ':', line->l);
	struct pl name, value;

	if (!colon)
		return false;

	name.p = line->p;
	name.l = (size_t)(colon - line->p);
	trim(&name);
	if (name.p != line->p || !is_token(name.p, name.l))
		return false;

	value.p = colon + 1;
	value.l = line->l - (size_t)(value.p - line->p);
	if (!is_text_folded(value.p, value.p + value.l))
		return false;
	trim(&value);

	look->commas += count_commas(&value);
	if (look->commas > GW_GUARD_COMMAS_MAX)
		return false;

	for (size_t i = 0; i < SINGLES; i++) {
		if (is_named(&name, &known[i]))
			return take_known(look, (enum single)i, line->l,
					  &value);
	}

	return true;
}

static enum gw_guard_verdict headers(struct look *look)
{
	enum gw_guard_verdict verdict;
	struct pl line;

	for (;;) {
		verdict = next_line(&line, look, GW_GUARD_LINE_MAX);
		if (verdict != GW_GUARD_PASS)
			return verdict;
		if (!line.l)
			return look->lines ? GW_GUARD_PASS : GW_GUARD_DROP;
		if (++look->lines > GW_GUARD_LINES_MAX ||
		    !take_header(look, &line))
			return GW_GUARD_DROP;
	}
}

/* The whole ----------------------------------------------------------------- */

static bool is_whole_response(const struct look *look)
{
	return look->seen[FROM] && look->seen[TO] && look->seen[CALL_ID] &&
	       look->seen[CSEQ] && look->seen[VIA];
}

enum gw_guard_verdict gw_guard_look(struct gw_guard_facts *facts,
				    const char *text, size_t len,
				    bool is_stream)
{
	struct look look = { .p = text, .end = text + len, .facts = facts };
	enum gw_guard_verdict verdict;
	size_t header, body;

	*facts = (struct gw_guard_facts){ .call_id = PL_INIT };

	verdict = start_line(&look);
	if (verdict == GW_GUARD_PASS)
		verdict = headers(&look);
	header = (size_t)(look.p - text);
	body = (size_t)(look.end - look.p);
	if (header > GW_GUARD_HEADER_MAX ||
	    (verdict == GW_GUARD_MORE && len > GW_GUARD_HEADER_MAX))
		return GW_GUARD_DROP;
	if (verdict != GW_GUARD_PASS)
		return is_stream ? verdict : GW_GUARD_DROP;

	if (!facts->is_request && !is_whole_response(&look))
		return GW_GUARD_DROP;
	if (header + look.length > GW_GUARD_MESSAGE_MAX)
		return GW_GUARD_DROP;
	if (look.seen[LENGTH] && body < look.length) {
		if (is_stream)
			return GW_GUARD_MORE;
		return facts->is_request ? GW_GUARD_PASS : GW_GUARD_DROP;
	}

	return GW_GUARD_PASS;
}

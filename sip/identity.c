/* sip/identity.c - who is calling.
 *
 *   header  withheld  From                        beside it
 *   from    no        "Name" <sip:number@domain>
 *   pai     no        "Name" <sip:858@domain>     P-Asserted-Identity
 *   rpi     no        "Name" <sip:858@domain>     Remote-Party-ID
 *   from    yes       "Anonymous" <...invalid>    P-Preferred-Identity, Privacy
 *   pai     yes       "Anonymous" <...invalid>    P-Asserted-Identity, Privacy
 *   rpi     yes       "Anonymous" <...invalid>    Remote-Party-ID, Privacy
 *
 * A provider must know who calls even when the callee must not: so the identity
 * goes along, in the header that the provider takes away (RFC 3325 7). */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "sip/identity.h"

static const char anonymous_uri[] = "sip:anonymous@anonymous.invalid";
static const char anonymous_name[] = "Anonymous";

/* Phone makers agree on no way; "all" is what works nearly everywhere. */
static const struct family {
	const char *name;
	const char *header; /* %s: the line's domain */
} families[] = {
	{ "answer-mode", "Answer-Mode: Auto\r\n" }, /* RFC 5373 */
	{ "call-info", "Call-Info: <sip:%s>;answer-after=0\r\n" },
	{ "alert-info",
	  "Alert-Info: <http://%s>;info=alert-autoanswer;delay=0\r\n" },
	/* to be named in the phone: voIpProt.SIP.alertInfo */
	{ "ring-answer", "Alert-Info: <http://%s>;info=\"Ring Answer\"\r\n" },
};
enum { FAMILIES_OF_ALL = 3 };

/* Who looks for what. */
static const struct maker {
	const char *name, *family;
} makers[] = {
	{ "polycom", "ring-answer" },   { "yealink", "alert-info" },
	{ "snom", "call-info" },        { "cisco", "call-info" },
	{ "grandstream", "call-info" }, { "linphone", "answer-mode" },
	{ "asterisk", "call-info" },
};

static int write_family(struct mbuf *mb, const char *header, const char *domain)
{
	const char *hole = strstr(header, "%s");
	int err;

	if (!hole)
		return mbuf_write_str(mb, header);

	err = mbuf_write_mem(mb, (const uint8_t *)header,
			     (size_t)(hole - header));
	err |= mbuf_write_str(mb, domain);
	err |= mbuf_write_str(mb, hole + 2);
	return err;
}

static int write_auto_answer(struct mbuf *mb, const char *name,
			     const char *domain)
{
	const bool all = 0 == strcmp(name, "all");
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		if (0 == strcmp(name, makers[i].name))
			name = makers[i].family;
	}

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (all ? i < FAMILIES_OF_ALL :
			  0 == strcmp(name, families[i].name))
			err |= write_family(mb, families[i].header, domain);
	}

	return err;
}

static bool is_number(const char *number)
{
	size_t len = strspn(number, "+0123456789*#");

	return len && !number[len] && len < 32;
}

/* "sip:number@domain"; '#' isn't allowed in a user part (RFC 3261 25.1). */
static int shown_uri(char *uri, size_t size,
		     const struct gw_identity_wish *wish, const char *domain)
{
	struct pl number;

	if (!wish->number)
		return re_snprintf(uri, size, "%s", wish->aor) < 0 ? EOVERFLOW :
								     0;

	pl_set_str(&number, wish->number);
	if (!is_number(wish->number) &&
	    wish->number[strcspn(wish->number, "<>\"@;?&\r\n\t ,:/\\")])
		return EINVAL;

	return re_snprintf(uri, size, "sip:%H@%s", uri_user_escape, &number,
			   domain) < 0 ?
		       EOVERFLOW :
		       0;
}

static int write_beside(struct mbuf *mb, const struct gw_identity_wish *wish,
			const char *name, const char *uri)
{
	const char *header = wish->header ? wish->header : "from";
	const char *open = *name ? "\"" : "", *close = *name ? "\" " : "";
	int err = 0;

	if (0 == strcmp(header, "rpi"))
		err |= mbuf_printf(mb,
				   "Remote-Party-ID: %s%s%s<%s>;party=calling;"
				   "screen=yes;privacy=%s\r\n",
				   open, name, close, uri,
				   wish->withheld ? "full" : "off");
	else if (0 == strcmp(header, "pai"))
		err |= mbuf_printf(mb, "P-Asserted-Identity: %s%s%s<%s>\r\n",
				   open, name, close, uri);
	else if (wish->withheld)
		err |= mbuf_printf(mb, "P-Preferred-Identity: %s%s%s<%s>\r\n",
				   open, name, close, uri);

	if (wish->withheld)
		err |= mbuf_write_str(mb, "Privacy: id\r\n");

	return err;
}

int gw_identity_make(struct gw_identity *id, struct mbuf *headers,
		     const struct gw_identity_wish *wish)
{
	const char *domain = strchr(wish->aor, '@');
	char name[sizeof(id->from_name)] = "";
	char uri[sizeof(id->from_uri)];
	bool in_from;
	int err;

	if (!domain)
		return EINVAL;
	++domain;

	if (wish->name && *wish->name) {
		err = gw_display_name_escape(name, sizeof(name), wish->name);
		if (err)
			return err;
	}

	err = shown_uri(uri, sizeof(uri), wish, domain);
	if (err)
		return err;

	in_from = !wish->header || 0 == strcmp(wish->header, "from");
	if (re_snprintf(id->from_uri, sizeof(id->from_uri), "%s",
			wish->withheld ? anonymous_uri :
			in_from        ? uri :
					 wish->aor) < 0)
		return EOVERFLOW;
	str_ncpy(id->from_name, wish->withheld ? anonymous_name : name,
		 sizeof(id->from_name));

	err = write_beside(headers, wish, name, uri);
	if (wish->auto_answer)
		err |= write_auto_answer(headers, wish->auto_answer, domain);

	return err;
}

/* Twilio's way of signing: HMAC-SHA1 over the URL and the fields of the form, sorted
 * and decoded. A body that is no form is signed by its SHA-256 in the URL. There is
 * no time in it: a repetition is known by what was signed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>
#include <re.h>

#include "config/config.h"
#include "server/crm_profile_impl.h"
#include "server/crm_tree.h"

/* One field, decoded: "key" and "value", with a NUL behind each. */
struct field {
	const char *key, *value;
};

struct form {
	struct field fields[GW_CRM_PAIRS_MAX];
	size_t count;
	char *text; /* what they point into */
};

static void form_destructor(void *arg)
{
	struct form *form = arg;

	mem_deref(form->text);
}

static int compare(const void *a, const void *b)
{
	const struct field *x = a, *y = b;
	const int keys = strcmp(x->key, y->key);

	return keys ? keys : strcmp(x->value, y->value);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

/* In place. What is no escape stays; a NUL ends nothing, it is refused. */
static bool decode(char *text)
{
	char *out = text;

	for (; *text; text++) {
		const int high = text[0] == '%' ? hex_digit(text[1]) : -1;
		const int low = high < 0 ? -1 : hex_digit(text[2]);

		if (low >= 0) {
			*out = (char)(high << 4 | low);
			text += 2;
		} else {
			*out = (char)(*text == '+' ? ' ' : *text);
		}
		if (!*out++)
			return false;
	}
	*out = '\0';
	return true;
}

static bool split(struct form *form)
{
	char *p = form->text;

	while (*p) {
		const size_t len = strcspn(p, "&");
		char *next = p + len + (p[len] == '&');
		char *eq;

		p[len] = '\0';
		eq = strchr(p, '=');
		if (eq)
			*eq++ = '\0';
		else
			eq = p + len;
		if (len) {
			if (form->count == GW_CRM_PAIRS_MAX || !decode(p) ||
			    !decode(eq))
				return false;
			form->fields[form->count++] = (struct field){ p, eq };
		}
		p = next;
	}
	qsort(form->fields, form->count, sizeof(form->fields[0]), compare);
	return true;
}

/* The fields one behind the other, in order; one that is there twice with the same
 * value counts once. NULL: no memory, or no form. */
static struct mbuf *join(const struct gw_crm_request *req)
{
	struct form *form = mem_zalloc(sizeof(*form), form_destructor);
	struct mbuf *mb = mbuf_alloc(req->len + 1);
	const struct pl body = { (const char *)req->body, req->len };
	int err = form && mb ? pl_strdup(&form->text, &body) : ENOMEM;

	if (!err && (strlen(form->text) != req->len || !split(form)))
		err = EBADMSG;
	for (size_t i = 0; !err && i < form->count; i++) {
		if (i && !compare(&form->fields[i], &form->fields[i - 1]))
			continue;
		err = mbuf_write_str(mb, form->fields[i].key);
		err = err ? err : mbuf_write_str(mb, form->fields[i].value);
	}
	mem_deref(form);
	return err ? mem_deref(mb) : mb;
}

static bool is_body(const struct gw_crm_request *req, const char *given)
{
	char want[GW_CRM_HEX_SIZE];
	uint8_t sum[SHA256_DIGEST_LENGTH];

	(void)SHA256(req->body, req->len, sum);
	gw_crm_hex(want, sum, sizeof(sum));
	return gw_crm_same(given, strlen(given), want);
}

static bool is_signed(const struct gw_config_hook *hook,
		      const struct gw_crm_signed *s, const char *given)
{
	bool found = false;

	for (size_t i = 0; i < hook->secrets.count; i++) {
		uint8_t mac[GW_CRM_MAC_MAX];
		size_t len;
		const char *key = gw_secret_text(hook->secrets.list[i], &len);
		const size_t mac_len =
			key ? gw_crm_hmac(mac, true, key, len, s) : 0;

		found |= mac_len && gw_crm_fits_base64(mac, mac_len, given);
	}
	return found;
}

enum gw_crm_verdict gw_crm_check_twilio(struct gw_crm_identity *identity,
					const struct gw_config_hook *hook,
					const struct gw_crm_request *req)
{
	const char *given = gw_crm_header(req, "X-Twilio-Signature");
	const char *sum = req->query("bodySHA256", req->arg);
	const bool form = gw_crm_kind(req->content_type, req->body, req->len) ==
			  GW_CRM_FORM;
	struct gw_crm_signed s = { .count = 0 };
	enum gw_crm_verdict verdict;
	struct mbuf *fields = NULL;

	/* a body that nothing vouches for */
	if (!given || (!form && req->len && (!sum || !is_body(req, sum))))
		return GW_CRM_WRONG;
	gw_crm_signed_str(&s, req->url);
	if (form) {
		fields = join(req);
		if (!fields)
			return GW_CRM_WRONG;
		gw_crm_signed_add(&s, fields->buf, fields->end);
	}
	verdict = is_signed(hook, &s, given) ? gw_crm_known_by(identity, &s) :
					       GW_CRM_WRONG;
	mem_deref(fields);
	return verdict;
}

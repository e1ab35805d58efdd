/* How Twilio signs: HMAC-SHA1 over the URL and the fields of the form, sorted and
 * decoded. What a CRM's hook is checked by (crm_twilio.c) and what our callbacks
 * carry is made of the same text. */
#include "server/twilio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "server/crm_sign.h"
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

/* One that is there twice with the same value counts once. */
struct mbuf *gw_twilio_fields(const char *text, size_t len)
{
	struct form *form = mem_zalloc(sizeof(*form), form_destructor);
	struct mbuf *mb = mbuf_alloc(len + 1);
	const struct pl body = { text, len };
	int err = form && mb ? pl_strdup(&form->text, &body) : ENOMEM;

	if (!err && (strlen(form->text) != len || !split(form)))
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

int gw_twilio_sign(char signature[GW_TWILIO_SIGNATURE_SIZE], const char *token,
		   const char *url, const char *form, size_t len)
{
	struct mbuf *fields = gw_twilio_fields(form, len);
	struct gw_crm_signed s = { .count = 0 };
	uint8_t mac[GW_CRM_MAC_MAX];
	size_t mac_len = 0;

	if (fields) {
		gw_crm_signed_str(&s, url);
		gw_crm_signed_add(&s, fields->buf, fields->end);
		mac_len = gw_crm_hmac(mac, true, token, strlen(token), &s);
	}
	mem_deref(fields);
	if (!mac_len)
		return ENOMEM;
	gw_crm_base64(signature, mac, mac_len);
	return 0;
}

/* D13: what the headers of signatures are read with. The first byte is the profile, the
 * lines after it are headers' values in the order in which they are asked for (an
 * empty one isn't there), and the rest is the body. Nobody who doesn't know a secret
 * is genuine. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "config/secret.h"
#include "server/crm_profile.h"
#include "server/crm_tree.h"
#include "tests/fuzz/fuzz.h"

enum { LINES = 4 };

struct lines {
	char *text[LINES];
	size_t asked;
};

static const char *next(const char *name, void *arg)
{
	struct lines *lines = arg;

	const char *text = lines->text[lines->asked++ % LINES];

	(void)name;
	return *text ? text : NULL;
}

/* One that is shared, and a public key whose private one nobody has kept. */
static struct gw_secret **secrets(void)
{
	static struct gw_secret *known[2];
	static const char *const texts[] = {
		"b2gsIG5vYm9keSBrbm93cw==",
		"whpk_9R/zFINGIbJM5JI9iRli8wGaKExMrBV1Dni2rzVkj+c=",
	};
	char why[320];

	for (size_t i = 0; !known[1] && i < ARRAY_SIZE(texts); i++)
		ENSURE(!gw_secret_alloc(&known[i], texts[i]) &&
		       !gw_secret_resolve(known[i], true, 1, why, sizeof(why)));
	return known;
}

static size_t read_lines(struct lines *lines, const uint8_t *data, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < LINES; i++) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		const size_t len = end ? (size_t)(end - data) - at : size - at;

		lines->text[i] = mem_zalloc(len + 1, NULL);
		memcpy(lines->text[i], data + at, len);
		at += len + (end != NULL);
	}
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {
		"hubspot",  "pipedrive",         "zoho",   "salesforce",
		"bitrix24", "zendesk",           "github", "stripe",
		"twilio",   "standard-webhooks", "basic",  "bearer",
	};
	struct gw_config_hook hook = { .secrets = { secrets(), 2 },
				       .user = "user",
				       .password = secrets()[0] };
	struct lines lines = { .asked = 0 };
	struct gw_crm_request req = { .method = "POST",
				      .url = "https://gw.example/hooks/x?a=%2F",
				      .now_ms = INT64_C(1674087231000),
				      .header = next,
				      .query = next,
				      .arg = &lines };
	struct gw_crm_identity identity;
	struct gw_json_doc *doc = NULL;
	char why[GW_CRM_WHY_SIZE];
	size_t n;

	if (!size)
		return 0;
	hook.profile = names[data[0] % ARRAY_SIZE(names)];
	hook.header = data[0] & 0x80 ? "X-Key" : NULL;
	hook.old_signatures = data[0] & 0x20;
	req.content_type = data[0] & 0x40 ?
				   "application/x-www-form-urlencoded" :
				   "application/json";
	n = 1 + read_lines(&lines, data + 1, size - 1);
	req.body = data + n;
	req.len = size - n;
	if (!gw_crm_tree(&doc, gw_crm_kind(NULL, req.body, req.len), req.body,
			 req.len, why))
		req.tree = gw_json_root(doc);
	ENSURE(gw_crm_check(&identity, gw_crm_profile(hook.profile), &hook,
			    &req) == GW_CRM_WRONG);
	for (size_t i = 0; i < LINES; i++)
		mem_deref(lines.text[i]);
	mem_deref(doc);
	return 0;
}

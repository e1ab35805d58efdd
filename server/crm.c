/* The hooks of the configuration. What a webhook does is in crm_delivery.c. */
#include "server/crm.h"

#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/key.h"

struct gw_crm_hooks {
	size_t count;
	struct gw_crm_hook list[];
};

static struct gw_crm_hooks *now;

static void destructor(void *arg)
{
	struct gw_crm_hooks *hooks = arg;

	for (size_t i = 0; i < hooks->count; i++)
		mem_deref(hooks->list[i].key);
}

static int fill(struct gw_crm_hook *hook, const struct gw_config *cfg,
		const struct gw_config_hook *row)
{
	hook->cfg = row;
	hook->profile = gw_crm_profile(row->profile);
	hook->each = row->each ? row->each : gw_crm_profile_each(hook->profile);
	hook->dedupe = row->dedupe ? row->dedupe :
				     gw_crm_profile_dedupe(hook->profile);
	return gw_key_of_hook(&hook->key, cfg, row);
}

static const char *refuse_secret(const char *text)
{
	if (!strncmp(text, "whsk_", 5))
		return "is the sender's private key: a hook has the public one, "
		       "whpk_";
	return gw_crm_standard_key_ok(text) ?
		       NULL :
		       "must be whpk_ and 32 bytes in base64";
}

int gw_crm_config(const struct gw_config *cfg, char *pointer,
		  size_t pointer_size, char *why, size_t why_size)
{
	for (size_t i = 0; i < cfg->hook_count; i++) {
		const struct gw_config_hook *hook = &cfg->hooks[i];

		if (strcmp(hook->profile, "standard-webhooks") != 0)
			continue;
		for (size_t k = 0; k < hook->secrets.count; k++) {
			const char *wrong = refuse_secret(
				gw_secret_text(hook->secrets.list[k], NULL));

			if (!wrong)
				continue;
			(void)re_snprintf(pointer, pointer_size,
					  "/hooks/%s/secrets/%zu", hook->name,
					  k);
			str_ncpy(why, wrong, why_size);
			return EINVAL;
		}
	}

	return 0;
}

int gw_crm_prepare(struct gw_crm_hooks **hooksp, const struct gw_config *cfg)
{
	struct gw_crm_hooks *hooks;
	int err = 0;

	hooks = mem_zalloc(sizeof(*hooks) +
				   cfg->hook_count * sizeof(hooks->list[0]),
			   destructor);
	if (!hooks)
		return ENOMEM;
	hooks->count = cfg->hook_count;
	for (size_t i = 0; !err && i < hooks->count; i++) {
		hooks->list[i].set = hooks;
		err = fill(&hooks->list[i], cfg, &cfg->hooks[i]);
	}
	if (err)
		mem_deref(hooks);
	else
		*hooksp = hooks;
	return err;
}

void gw_crm_take(struct gw_crm_hooks *hooks)
{
	mem_deref(now);
	now = hooks;
}

const struct gw_crm_hook *gw_crm_find(const char *name)
{
	for (size_t i = 0; now && i < now->count; i++)
		if (!strcmp(now->list[i].cfg->name, name))
			return &now->list[i];
	return NULL;
}

const struct gw_crm_hook *gw_crm_at(size_t i)
{
	return now && i < now->count ? &now->list[i] : NULL;
}

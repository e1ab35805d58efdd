/* The hooks of the configuration. What a webhook does is in crm_delivery.c. */
#include "server/crm.h"

#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/key.h"

static struct {
	struct gw_crm_hook *hooks;
	size_t count;
} crm;

static void hooks_destructor(void *arg)
{
	struct gw_crm_hook *hooks = arg;

	for (size_t i = 0; i < crm.count; i++)
		mem_deref(hooks[i].key);
}

int gw_crm_open(const struct gw_config *cfg)
{
	int err = 0;

	if (!cfg->hook_count)
		return 0;
	crm.hooks = mem_zalloc(cfg->hook_count * sizeof(*crm.hooks),
			       hooks_destructor);
	if (!crm.hooks)
		return ENOMEM;
	crm.count = cfg->hook_count;
	for (size_t i = 0; !err && i < crm.count; i++) {
		struct gw_crm_hook *hook = &crm.hooks[i];

		hook->cfg = &cfg->hooks[i];
		hook->profile = gw_crm_profile(hook->cfg->profile);
		hook->each = hook->cfg->each ?
				     hook->cfg->each :
				     gw_crm_profile_each(hook->profile);
		hook->dedupe = hook->cfg->dedupe ?
				       hook->cfg->dedupe :
				       gw_crm_profile_dedupe(hook->profile);
		err = gw_key_of_hook(&hook->key, cfg, hook->cfg);
	}
	if (err)
		gw_crm_close();
	return err;
}

void gw_crm_close(void)
{
	crm.hooks = mem_deref(crm.hooks);
	crm.count = 0;
}

const struct gw_crm_hook *gw_crm_find(const char *name)
{
	for (size_t i = 0; i < crm.count; i++)
		if (!strcmp(crm.hooks[i].cfg->name, name))
			return &crm.hooks[i];
	return NULL;
}

const struct gw_crm_hook *gw_crm_at(size_t i)
{
	return i < crm.count ? &crm.hooks[i] : NULL;
}

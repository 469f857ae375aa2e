// A library that is loaded and unloaded again while its zones are known.
#include <tacho/tacho.h>

void plugin_run(void);

void plugin_run(void)
{
    TACHO_ZONE("of a plugin");
    TACHO_ZONE_BEGIN(in, "inside a plugin");
    TACHO_ZONE_END(in);
}

// A C++ program: zones end when exceptions leave them.
#include <stdexcept>

#include <tacho/tacho.h>

namespace
{
TACHO_COUNTER(thrown, "thrown", "count");

template <typename Value> void throws(Value value)
{
    TACHO_ZONE("throws");
    tacho_counter_add(&thrown, 1);
    throw std::runtime_error(value > 0 ? "positive" : "negative");
}

void catches(int value)
{
    TACHO_ZONE("catches");
    try {
        throws(value);
    } catch (const std::runtime_error &) {
        TACHO_ZONE_FAIL;
        tacho_event("caught", value);
    }
}
} // namespace

int main()
{
    for (int i = 0; i < 10; i++) {
        TACHO_FUNCTION();
        catches(i);
    }
    return 0;
}

// Zones in C++: they end with their scope, also when an exception leaves it.
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>

#include <unistd.h>

#include <tacho/tacho.h>

class Cellar
{
  public:
    void put(const std::string &name, int bottles)
    {
        TACHO_ZONE("Cellar::put");
        if (bottles < 1) {
            TACHO_ZONE_FAIL;
            throw std::invalid_argument(name + ": nothing to put");
        }
        bottles_[name] += bottles;
    }

    int count() const
    {
        TACHO_FUNCTION();
        int sum = 0;
        for (const auto &entry : bottles_)
            sum += entry.second;
        return sum;
    }

  private:
    std::map<std::string, int> bottles_;
};

int main()
{
    Cellar cellar;
    int refused = 0;

    tacho_start(nullptr);
    for (int i = 0; i < 1000; i++) {
        try {
            cellar.put("vintage " + std::to_string(1980 + i % 40), i % 10);
        } catch (const std::invalid_argument &) {
            refused++;
        }
    }
    std::printf("%d bottles, %d refused\n", cellar.count(), refused);

    tacho_summary put;
    if (tacho_zone_stats_get("Cellar::put", &put) != 0)
        return 1;
    std::printf("%s: %llu calls, %llu errors\n", put.name,
                static_cast<unsigned long long>(put.calls),
                static_cast<unsigned long long>(put.errors));
    return tacho_report(STDERR_FILENO) < 0;
}

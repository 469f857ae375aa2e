// Templates, namespaces, lambdas and exceptions: the C++ subject of symbol tests.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace shop
{
namespace
{
int hidden(int value)
{
    return value * 31 + 7;
}
} // namespace

template <typename Key, typename Value> class Shelf
{
  public:
    void put(const Key &key, Value value)
    {
        items_[key] = std::move(value);
    }
    const Value &get(const Key &key) const
    {
        auto found = items_.find(key);
        if (found == items_.end())
            throw std::out_of_range("no such thing");
        return found->second;
    }
    std::size_t size() const noexcept
    {
        return items_.size();
    }

  private:
    std::map<Key, Value> items_;
};

struct Order {
    std::string name;
    int amount = 0;
    virtual ~Order() = default;
    virtual int price() const
    {
        return hidden(amount);
    }
};

struct Gift final : Order {
    int price() const override
    {
        return 0;
    }
};

__attribute__((noinline)) int total(const std::vector<std::unique_ptr<Order>> &orders)
{
    int sum = 0;
    std::for_each(orders.begin(), orders.end(),
                  [&sum](const auto &order) { sum += order->price(); });
    return sum;
}
} // namespace shop

int main(int count, char **arguments)
{
    shop::Shelf<std::string, int> shelf;
    std::vector<std::unique_ptr<shop::Order>> orders;
    for (int i = 0; i < count + 20; i++) {
        orders.push_back(i % 3 ? std::make_unique<shop::Order>() : std::make_unique<shop::Gift>());
        orders.back()->name = std::to_string(i);
        orders.back()->amount = i;
        shelf.put(orders.back()->name, i);
    }
    std::sort(orders.begin(), orders.end(),
              [](const auto &left, const auto &right) { return left->amount > right->amount; });
    try {
        std::printf("%d %d %zu\n", shop::total(orders), shelf.get(arguments[count - 1]),
                    shelf.size());
    } catch (const std::exception &error) {
        std::printf("%s\n", error.what());
    }
    return 0;
}

-- The load of a trading day for wrk: wrk -t1 -c16 -d10 -s orders.lua http://127.0.0.1:8080
-- 40 % orders, 35 % quotes, 15 % orders by id, 10 % lists of a customer's orders, the same each time.
local symbols = {"ACME", "BOLT", "CORE", "DUNE", "ECHO", "FLUX", "HAWK", "IRIS",
                 "JADE", "KELP", "LUNA", "MIST", "NOVA", "OPAL", "REEF", "SAGE"}

function init()
    math.randomseed(20240229)
end

local function order()
    local body = string.format(
        '{"customer": "c%04d", "symbol": "%s", "side": "%s", "quantity": %d, "price": %.2f}',
        math.random(0, 199), symbols[math.random(#symbols)],
        math.random(2) == 1 and "buy" or "sell", math.random(100), 98 + math.random(0, 399) / 100)
    return wrk.format("POST", "/orders", {["Content-Type"] = "application/json"}, body)
end

function request()
    local dice = math.random(0, 99)
    if dice < 40 then
        return order()
    elseif dice < 75 then
        return wrk.format("GET", "/quote/" .. symbols[math.random(#symbols)])
    elseif dice < 90 then
        return wrk.format("GET", "/orders/" .. math.random(20000))
    end
    return wrk.format("GET", string.format("/orders?customer=c%04d", math.random(0, 199)))
end

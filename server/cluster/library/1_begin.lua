#!lua name=grud_2

-- What grud has the engine do as one. mk/cluster.mk puts these files together, in their order. Keys
-- and arguments stand in server/cluster/cluster_library.h. A change of what a function takes or
-- does is a new number, here and there: nodes of two builds work side by side, and none replaces
-- the other's library.

local NAME = 'grud_2_'

-- nil, or the error that ends the whole call before it has changed anything.
local function epoch_error(key, epoch)
    local held = redis.pcall('GET', key)
    if held == epoch then
        return nil
    end
    if type(held) == 'table' and held.err then
        return held
    end
    return redis.error_reply('GRUDEPOCH the engine is another one, or came back without its data')
end

-- Each function begins with a look at the epoch.
local function register(name, run, flags)
    local function run_under_epoch(keys, arguments)
        return epoch_error(keys[1], arguments[1]) or run(keys, arguments)
    end
    redis.register_function{ function_name = NAME .. name, callback = run_under_epoch, flags = flags }
end


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

-- A key of grud's own; the epoch's, which each function is given, is one of those.
local function beside(epoch_key, name)
    return string.sub(epoch_key, 1, -#'epoch' - 1) .. name
end

local function register_bare(name, run, flags)
    redis.register_function{ function_name = NAME .. name, callback = run, flags = flags }
end

-- Each function but those of meetings begins with a look at the epoch.
local function register(name, run, flags)
    register_bare(name, function(keys, arguments)
        return epoch_error(keys[1], arguments[1]) or run(keys, arguments)
    end, flags)
end

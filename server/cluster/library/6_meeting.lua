
-- Meetings: what a new connection of a node finds, and whether it is less than the node knows of.
--
-- An epoch is "BASE.LOSSES": BASE is drawn for an engine that is empty, and each loss raises LOSSES,
-- so that calls that go by what was before it are refused. Until a loss is settled, the key `lost`
-- is there, and says how many writes are left.

local RUNS_KEPT = 32

local function parts_of(epoch)
    local base, losses = string.match(epoch, '^(.*)%.(%d+)$')
    return base or epoch, tonumber(losses or 0)
end

-- The runs of the engine, the newest first: their names, and how many writes there were when each
-- began. The present one is among them, though it may not have been noted yet.
local function runs_of(key, present, count)
    local lines = redis.call('LRANGE', beside(key, 'runs'), 0, -1)
    local runs = {}
    for k = 1, #lines do
        local began, name = string.match(lines[k], '^(%d+) (.*)$')
        runs[k] = { name = name, began = tonumber(began) }
    end
    local is_noted = #runs > 0 and runs[1].name == present
    if not is_noted then
        table.insert(runs, 1, { name = present, began = count })
    end
    return runs, is_noted
end

-- How many writes are sure to be those that a node knows, which has met the run `known`. If that is
-- not in the list, it may have ended before anything of it was saved: then the present one decides.
local function left_since(runs, known, count)
    local left = count
    for k = 1, #runs do
        if runs[k].name == known then
            return left
        end
        left = math.min(left, runs[k].began)
    end
    return math.min(count, runs[1].began)
end

-- nil, or how many writes are left where some are lost that the node was told of.
local function find_loss(known, held)
    local _, known_losses = parts_of(known.epoch)
    local _, losses = parts_of(held.epoch)
    if known.epoch == '' or losses > known_losses then
        return nil -- it knows nothing, or what it knows is settled
    end
    local left = 0
    if held.epoch ~= '' and losses == known_losses then
        left = left_since(held.runs, known.run, held.count)
    end
    return left < known.count and left or nil
end

-- A node that knows of no write has nothing to lose at another engine.
local function is_another(known, held)
    return known.epoch ~= '' and held.epoch ~= '' and known.count > 0 and
        parts_of(known.epoch) ~= parts_of(held.epoch)
end

local function find(key, known, run)
    local count = tonumber(redis.call('GET', beside(key, WRITES)) or 0)
    local held = { epoch = redis.call('GET', key) or '', count = count }
    held.runs, held.is_noted = runs_of(key, run, count)
    local marked = redis.call('GET', beside(key, 'lost'))
    held.is_marked = marked ~= false
    held.left = tonumber(marked or find_loss(known, held))
    return held
end

local function note_run(key, run, count)
    redis.call('LPUSH', beside(key, 'runs'), string.format('%.0f %s', count, run))
    redis.call('LTRIM', beside(key, 'runs'), 0, RUNS_KEPT - 1)
end

-- From now on all nodes are refused.
local function mark(key, known, held)
    local base, known_losses = parts_of(known.epoch)
    local _, losses = parts_of(held.epoch)
    held.epoch = string.format('%s.%.0f', base, math.max(known_losses, losses) + 1)
    redis.call('SET', beside(key, 'lost'), held.left)
    redis.call('SET', key, held.epoch)
end

-- What is to be written down of a meeting.
local function settle(key, known, held, arguments)
    if held.left and not held.is_marked then
        mark(key, known, held)
    elseif not held.left and held.epoch == '' then
        held.epoch = known.epoch ~= '' and known.epoch or arguments[5] .. '.0'
        redis.call('SET', key, held.epoch)
    end
    if not held.left and not held.is_noted then
        note_run(key, arguments[4], held.count)
    end
end

local function is_settled(held)
    if held.left then
        return held.is_marked
    end
    return held.epoch ~= '' and held.is_noted
end

local function meet(keys, arguments, may_write)
    local known = { epoch = arguments[1], run = arguments[2], count = tonumber(arguments[3]) }
    local held = find(keys[1], known, arguments[4])
    if is_another(known, held) then
        return redis.error_reply('GRUDOTHER its epoch is ' .. held.epoch .. ', not ' .. known.epoch)
    end
    if may_write then
        settle(keys[1], known, held, arguments)
    elseif not is_settled(held) then
        return 0
    end
    return { held.epoch, held.count, held.left or -1 }
end

register_bare('look', function(keys, arguments) return meet(keys, arguments, false) end, { 'no-writes' })
register_bare('meet', function(keys, arguments) return meet(keys, arguments, true) end, { 'allow-oom' })

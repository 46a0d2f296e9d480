import { layerMemory } from "../../src/services/RateLimiter.js"
import { nodes, rateLimiterContract } from "../../src/testing/contracts/rateLimiterContract.js"

rateLimiterContract("in memory", nodes(1, layerMemory()))

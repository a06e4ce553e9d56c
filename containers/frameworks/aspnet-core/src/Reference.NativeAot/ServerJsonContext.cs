using System.Text.Json;
using System.Text.Json.Serialization;
using Reference.Core;
using Reference.Core.Orders;
using Reference.Core.Upstream;
using Reference.Core.Validation;
using Reference.Core.Worlds;

namespace Reference.NativeAot;

/// <summary>What is read and written as JSON, by code that is generated while compiling.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(HelloMessage))]
[JsonSerializable(typeof(PrimesResponse))]
[JsonSerializable(typeof(Delay))]
[JsonSerializable(typeof(World[]))]
[JsonSerializable(typeof(CachedWorld[]))]
[JsonSerializable(typeof(OrderRequest))]
[JsonSerializable(typeof(OrderResponse))]
[JsonSerializable(typeof(OrderListResponse))]
[JsonSerializable(typeof(FaultList))]
internal sealed partial class ServerJsonContext : JsonSerializerContext;

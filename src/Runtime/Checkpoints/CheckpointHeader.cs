using System.Text.Json;
using System.Text.Json.Serialization;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Scheduling;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>What a checkpoint says beside its tensors: one JSON object in the metadata of the safetensors header.</summary>
internal sealed record CheckpointHeader
{
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.KebabCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectRequiredConstructorParameters = true,
    };

    public required int Format { get; init; }

    public required long Step { get; init; }

    public required DataCursor Cursor { get; init; }

    public required long Generation { get; init; }

    public required SortedDictionary<string, string> Job { get; init; }

    /// <summary>Names of tensors that are neither parameters nor of the best test: those are told by their names.</summary>
    public required string[] Statistics { get; init; }

    public required string[] OptimizerState { get; init; }

    public StoppingState? EarlyStopping { get; init; }

    public SavedOutcome? Outcome { get; init; }

    /// <exception cref="JsonException">It is no such object.</exception>
    public static CheckpointHeader Parse(string json) => JsonSerializer.Deserialize<CheckpointHeader>(json, Options) ?? throw new JsonException("it is null");

    public override string ToString() => JsonSerializer.Serialize(this, Options);
}

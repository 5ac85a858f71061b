using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Models;

/// <summary>A tensor's values with its name: little-endian, contiguous, as a model file and a digest have them.</summary>
public sealed record NamedTensor(string Name, TensorType Type, ReadOnlyMemory<byte> Data);

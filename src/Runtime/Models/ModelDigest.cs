using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Models;

/// <summary>Names a model's weights: equal weights, equal digest, and anybody can compute it from the saved file.</summary>
public static class ModelDigest
{
    /// <summary>
    /// <c>sha256:</c> and the SHA-256 over each parameter in ordinal order of names: name in UTF-8, 0, the element type's safetensors name,
    /// 0, dimensions as int64, data; all little-endian.
    /// </summary>
    /// <param name="parameters">In any order; statistics and the optimizer's state do not belong here.</param>
    public static string Of(IEnumerable<NamedTensor> parameters)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> dimension = stackalloc byte[sizeof(long)];
        foreach (var parameter in parameters.OrderBy(p => p.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(parameter.Name + "\0" + parameter.Type.DType.SafetensorsName() + "\0"));
            foreach (long size in parameter.Type.Shape)
            {
                BinaryPrimitives.WriteInt64LittleEndian(dimension, size);
                hash.AppendData(dimension);
            }

            hash.AppendData(parameter.Data.Span);
        }

        return "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

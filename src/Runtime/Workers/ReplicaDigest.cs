using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Singa.Actors.Graph;

namespace Singa.Actors.Runtime.Workers;

internal static class ReplicaDigest
{
    public static string Of(Replica replica)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> dimension = stackalloc byte[8];
        foreach (var value in replica.Parameters)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(value.Name));
            hash.AppendData([0]);
            hash.AppendData(Encoding.ASCII.GetBytes(value.Type.DType.SafetensorsName()));
            hash.AppendData([0]);
            foreach (long dim in value.Type.Shape.Dims)
            {
                BinaryPrimitives.WriteInt64LittleEndian(dimension, dim);
                hash.AppendData(dimension);
            }

            hash.AppendData(value.Data);
        }

        return "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
